"""One artefact and every program that may want it: are its outputs right there, and does fine-tuning it there pay?

    consumers.py [ARTEFACT [RUN [LABELS_PER_CLASS]]]

The artefact is one of Fashion-MNIST with the run that it was exported from, such as `make demo` leaves in
`saved_models/fashion_mnist` and `runs/demo`. Each consumer runs in a process of its own without this package:
TensorFlow alone, tf-keras, Keras 3, KerasHub, ONNX Runtime and, where `make test-addons` set its environment up,
Keras 2 with TensorFlow Addons. Prints the largest difference to the run's own model at three image sizes and two
batch sizes, and ends with an error if it is above 1e-5; for those that train, accuracy on 10,000 test images of a
linear layer on frozen features and after fine-tuning from there, over three label subsets.
"""

import os
import pathlib
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))  # the consumers are tests

import numpy as np

from cpc_keras import export
from cpc_keras.data.image_set import to_float
from cpc_keras.data.label_subsets import nested_subsets
from cpc_keras.data.sources import open_source
from cpc_keras.export.float32 import in_float32
from cpc_keras.runs.checkpoints import load_last_model
from cpc_keras.runs.folder import RunFolder
from tests.consumers.launch import consume, expected_outputs

ROOT = pathlib.Path(__file__).resolve().parent.parent
ADDONS = ROOT / ".cache" / "addons" / "bin" / "python"
SEEDS = 3
TOLERANCE = 1e-5
# Images, height and width of what outputs are compared on.
SHAPES = ((1, 28, 28), (5, 34, 49), (5, 61, 40))
# How the linear layer and fine-tuning train, see `few_labels.study`.
STUDY = {"epochs": 300, "passes": 30, "rate": 5e-4}


def main(artefact=ROOT / "saved_models" / "fashion_mnist", run=ROOT / "runs" / "demo", labels_per_class=10):
    _, model = load_last_model(RunFolder(run))
    train, test = open_source("tfds:fashion_mnist"), open_source("tfds:fashion_mnist@test")
    test_arrays = {"test_images": arrays(test, range(len(test))), "test_labels": test.labels}
    images = {f"images_{index}": mosaic(test_arrays["test_images"], *shape) for index, shape in enumerate(SHAPES)}
    trained = [("hub_layer", sys.executable), ("tfsm_layer", sys.executable)]
    if ADDONS.exists():
        trained.append(("hub_layer", ADDONS))
    else:
        print("Keras 2 with TensorFlow Addons: not set up, `make test-addons` does so")
    with tempfile.TemporaryDirectory() as temporary:
        inputs, out, onnx = (pathlib.Path(temporary, name) for name in ("inputs.npz", "out.npz", "encoder.onnx"))
        export.convert(model, onnx, "onnx")
        others = [("hub_load", artefact), ("keras_hub_classifier", artefact), ("onnx_runtime", onnx)]
        few = label_subset(train, 0, 1)
        np.savez(inputs, **images, **few, **{name: array[:10] for name, array in test_arrays.items()})
        features = export.ImageFeatures(in_float32(model))
        worst = max([compare(consume(*one, inputs, out), features, images, one[0]) for one in others])
        for script, python in trained:
            rows = []
            for seed in range(SEEDS):
                few = label_subset(train, seed, int(labels_per_class))
                np.savez(inputs, **images, **few, **test_arrays, **STUDY)
                found = consume(script, artefact, inputs, out, python)
                rows.append((100 * found["frozen"], 100 * found["fine_tuned"]))
            worst = max(worst, compare(found, features, images, script))
            frozen, tuned = np.array(rows).T
            print(
                f"  frozen {_spread(frozen)} %, fine-tuned {_spread(tuned)} %, gain {_spread(tuned - frozen)} points",
                flush=True,
            )
    if worst > TOLERANCE:
        sys.exit(f"outputs differ by up to {worst:.1e}")


def arrays(images, positions):
    return np.stack([to_float(images.read(int(position))) for position in positions])


def label_subset(train, seed, labels_per_class):
    (chosen,) = nested_subsets(train.labels, seed, labels_per_class=(labels_per_class,)).values()
    return {"train_images": arrays(train, chosen), "train_labels": train.labels[chosen]}


def mosaic(images, count, height, width):
    """Pieces of nine garments beside one another, `[count, height, width, 1]`."""
    tiles = images[: 9 * count].reshape(count, 3, 3, 28, 28, 1).transpose(0, 1, 3, 2, 4, 5)
    return tiles.reshape(count, 84, 84, 1)[:, :height, :width]


def compare(found, features, images, script):
    """Largest difference of what a consumer got to what the run's model gives, which is printed."""
    expected = expected_outputs(found, features, images)
    if not expected:
        sys.exit(f"{script} gave nothing to compare")
    worst = max(_difference(found[name], values) for name, values in expected.items())
    stack = f", {found['stack']}" if "stack" in found else ""
    print(f"{script}{stack}: {len(expected)} outputs, largest difference {worst:.1e}", flush=True)
    return worst


def _difference(values, expected):
    alike = values.shape == expected.shape and np.isfinite(values).all()
    return np.abs(values - expected).max() if alike else np.inf


def _spread(values):
    return f"{np.mean(values):.1f} ({np.min(values):.1f}–{np.max(values):.1f})"


if __name__ == "__main__":
    main(*sys.argv[1:])
