"""The setting of the paper, one step on a photograph at a short side of 600 px."""

import json
import subprocess
import sys

import pytest

# A process of its own, whose peak of memory is nothing else's.
STEP = """
import json, sys
import keras, numpy as np
from sklearn.datasets import load_sample_images
from cpc_keras import models
from cpc_keras.detection.data.augmentation import resized
from cpc_keras.detection import FasterRCNN
keras.utils.set_random_seed(0)
image, scale = resized(load_sample_images().images[0], 600, 1000)
detector = FasterRCNN(getattr(models, sys.argv[1])(), classes=20)
detector.compile(keras.optimizers.Adam(1e-5, global_clipnorm=10.0), jit_compile=False)
before = [np.array(layer.get_weights()[0]) for layer in (detector.backbone, detector.head, detector.rpn_box)]
labels = {"boxes": np.array([[[250.0, 60, 400, 300], [20, 30, 120, 200]]]) * scale, "classes": np.array([[3, 7]])}
logs = detector.train_on_batch(image[None] / np.float32(255), labels, return_dict=True)
moved = [bool((was != layer.get_weights()[0]).any())
         for was, layer in zip(before, (detector.backbone, detector.head, detector.rpn_box))]
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 2**20
print(json.dumps({"logs": {k: float(v) for k, v in logs.items()}, "moved": moved, "gib": peak, "size": image.shape,
                  "stride": detector.stride, "weights": detector.count_params()}))
"""


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        pytest.param("ResNet50", 8, marks=pytest.mark.slow),
        pytest.param("ResNet170", 24, marks=pytest.mark.huge),
    ],
)
def test_takes_a_step_within_the_memory_of_a_desktop(name, limit):
    done = subprocess.run([sys.executable, "-c", STEP, name], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    print(f"\n{name}: {told}")
    assert told["size"] == [600, 899, 3]
    assert told["stride"] == 16
    assert told["moved"] == [True, True, True]
    assert 0 < told["logs"]["loss"] < 20
    assert told["gib"] < limit
