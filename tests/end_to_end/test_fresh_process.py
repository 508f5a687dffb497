"""What was saved is read by a process that has imported nothing but the package and Keras."""

import keras
import numpy as np
import pytest

from cpc_keras.config.build import build_cpc
from cpc_keras.config.recipe import Recipe
from cpc_keras.data.image_set import from_arrays
from cpc_keras.detection import FasterRCNN
from cpc_keras.evaluation import NetworkClassifier
from cpc_keras.evaluation.inputs import ImageInputs
from cpc_keras.models import ClassifierHead, ResNet
from tests.processes import run

READ = """
import importlib.util, pathlib, sys
import cpc_keras
assert not {"keras", "tensorflow"} & set(sys.modules)
assert importlib.util.find_spec("keras") and importlib.util.find_spec("nothing") is None
import keras
assert keras.__spec__.loader is keras.__loader__ and type(keras.__loader__).__name__ == "SourceFileLoader"
assert not [name for name in sys.modules if name.startswith("cpc_keras.models")]
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    model = keras.models.load_model(path)
    print(path.stem, type(model).__module__, type(model).__name__, model.count_params())
"""


@pytest.fixture
def saved(tmp_path, photo_crops):
    """A file of each kind, and what stands in it."""
    recipe = Recipe(
        steps=10, crop=28, patch_size=12, stride=4, channels=1, stem="medium", widths=(8, 16), blocks=(1, 1),
        precision="float32", batch_size=4, average_decay=0.9, patch_flip=0.5, context_blocks=1, context_width=8,
    )  # fmt: skip
    encoder = ResNet((8,), (1,), stem="medium", input_shape=(None, None, 1))
    pictures = keras.Input((28, 28, 1))
    maps = encoder(pictures)

    def build(setting):
        return keras.Model(pictures, ClassifierHead(maps.shape[1:], 2, setting["head"])(maps))

    setting = {"learning_rate": 1e-3, "head": "grid3", "weight_decay": 1e-3, "dropout": 0.0}
    setting |= {"translation": 0.0, "step_multiplier": 1.0}
    images = from_arrays(photo_crops, np.arange(len(photo_crops)) % 2)
    fine_tuned = NetworkClassifier(build, steps=lambda count: 2).fit(ImageInputs(images, 28), setting, seed=0)
    models = {
        "checkpoint": build_cpc(recipe),
        "classifier": build({"head": "resnet"}),
        "detector": FasterRCNN(encoder, 2, head_blocks=1, head_width=8, head_bottleneck=None, rpn_width=8),
        "encoder": encoder,
        "fine_tuned": fine_tuned.model_,
    }
    for name, model in models.items():
        model.save(tmp_path / f"{name}.keras")
    return models


@pytest.mark.slow
def test_every_kind_of_file_is_read_after_a_bare_import(saved, tmp_path):
    done = run("-c", READ, tmp_path, fresh=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"{name} {type(model).__module__} {type(model).__name__} {model.count_params()}"
        for name, model in saved.items()
    ]
