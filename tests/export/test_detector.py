"""An exported detector works where this package is not."""

import json

import keras
import numpy as np
import pytest

from cpc_keras.export import save_detector
from tests.detection.test_faster_rcnn import scenes, small_detector
from tests.processes import STRANGER, run

PROGRAM = """
import sys
assert sys.modules["cpc_keras"] is None and "keras_hub" not in sys.modules
sys.modules["keras_hub"] = None  # importing it fails too
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
    (tmp_path / "stranger.py").write_text(PROGRAM)
    arguments = [tmp_path / "stranger.py", artefact, tmp_path / "images.npz", f"{tmp_path}/"]
    run(*arguments, cwd=tmp_path, imports=STRANGER).check_returncode()
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
    run("-c", snippet, cwd=tmp_path, imports=STRANGER).check_returncode()
