"""An exported detector works where this package is not."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from cpc_keras.export import save_detector
from tests.detection.test_faster_rcnn import scenes, small_detector

STRANGER = """
import sys
sys.modules["cpc_keras"] = sys.modules["keras_hub"] = None  # importing them fails
import numpy as np, tensorflow as tf
find = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
for name in ("small", "large"):
    found = find(images=tf.constant(np.load(sys.argv[2])[name]))
    np.savez(sys.argv[3] + name, **{key: np.asarray(value.numpy().tolist()) for key, value in found.items()})
"""


@pytest.mark.slow
def test_runs_without_this_package_at_any_size(tmp_path):
    keras.utils.set_random_seed(0)
    detector = small_detector(score_threshold=0.0)
    images = {"small": scenes(3)[0], "large": np.random.default_rng(0).uniform(size=(1, 70, 90, 1)).astype("float32")}
    np.savez(tmp_path / "images.npz", **images)
    artefact = save_detector(detector, tmp_path / "detector", ("square", "frame"), {"figure": "mAP 50.0"})
    (tmp_path / "stranger.py").write_text(STRANGER)
    arguments = [tmp_path / "stranger.py", artefact, tmp_path / "images.npz", f"{tmp_path}/"]
    subprocess.run([sys.executable, *map(str, arguments)], check=True, capture_output=True, cwd=tmp_path)
    for name, batch in images.items():
        expected = {key: np.asarray(value) for key, value in detector(batch).items()}
        with np.load(tmp_path / f"{name}.npz") as found:
            for key, value in expected.items():
                np.testing.assert_allclose(found[key], value, atol=1e-3, err_msg=key)
            assert set(found["class_names"].ravel()) <= {b"square", b"frame", b""}
            assert ((found["class_names"] == b"") == (found["classes"] == -1)).all()
    told = json.loads((artefact / "model.json").read_text())
    assert told["kind"] == "detector"
    assert told["class_names"] == ["square", "frame"]
    card = (artefact / "README.md").read_text()
    assert "mAP 50.0" in card
    snippet = card.split("```python")[1].split("```")[0]
    subprocess.run([sys.executable, "-c", snippet], check=True, capture_output=True, cwd=tmp_path)
