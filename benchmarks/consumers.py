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
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from cpc_keras import export
from cpc_keras.checkpoints import load_last_model
from cpc_keras.data.image_set import to_float
from cpc_keras.data.label_subsets import nested_subsets
from cpc_keras.data.sources import open_source
from cpc_keras.export.float32 import in_float32
from cpc_keras.run_folder import RunFolder

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "tests" / "consumers"
ADDONS = ROOT / ".cache" / "addons" / "bin" / "python"
SEEDS = 3
TOLERANCE = 1e-5
# Images, height and width of what outputs are compared on.
SHAPES = ((1, 28, 28), (5, 34, 49), (5, 61, 40))


def main(artefact=ROOT / "saved_models" / "fashion_mnist", run=ROOT / "runs" / "demo", labels_per_class=10):
    _, model = load_last_model(RunFolder(run))
    train, test = open_source("tfds:fashion_mnist"), open_source("tfds:fashion_mnist@test")
    test_arrays = {"test_images": arrays(test, range(len(test))), "test_labels": test.labels}
    images = {f"images_{index}": mosaic(test_arrays["test_images"], *shape) for index, shape in enumerate(SHAPES)}
    trained = [(sys.executable, "hub_layer", artefact), (sys.executable, "tfsm_layer", artefact)]
    if ADDONS.exists():
        trained.append((ADDONS, "hub_layer", artefact))
    else:
        print("Keras 2 with TensorFlow Addons: not set up, `make test-addons` does so")
    with tempfile.TemporaryDirectory() as temporary:
        place = pathlib.Path(temporary)
        onnx = export.convert(model, place / "encoder.onnx", "onnx")
        others = [(sys.executable, "hub_load", artefact), (sys.executable, "keras_hub_classifier", artefact)]
        others.append((sys.executable, "onnx_runtime", onnx))
        few = label_subset(train, 0, 1)
        np.savez(place / "inputs.npz", **images, **few, **{name: array[:10] for name, array in test_arrays.items()})
        features = export.ImageFeatures(in_float32(model))
        worst = max([compare(consume(*one, place), features, images, one) for one in others])
        for consumer in trained:
            rows = []
            for seed in range(SEEDS):
                few = label_subset(train, seed, int(labels_per_class))
                np.savez(place / "inputs.npz", **images, **few, **test_arrays, **STUDY)
                found = consume(*consumer, place)
                rows.append((100 * found["frozen"], 100 * found["fine_tuned"]))
            worst = max(worst, compare(found, features, images, consumer))
            frozen, tuned = np.array(rows).T
            print(
                f"  frozen {_spread(frozen)} %, fine-tuned {_spread(tuned)} %, gain {_spread(tuned - frozen)} points",
                flush=True,
            )
    if worst > TOLERANCE:
        sys.exit(f"outputs differ by up to {worst:.1e}")


# How the linear layer and fine-tuning train, see `few_labels.study`.
STUDY = {"epochs": 300, "passes": 30, "rate": 5e-4}


def arrays(images, positions):
    return np.stack([to_float(images.read(int(position))) for position in positions])


def label_subset(train, seed, labels_per_class):
    (chosen,) = nested_subsets(train.labels, seed, labels_per_class=(labels_per_class,)).values()
    return {"train_images": arrays(train, chosen), "train_labels": train.labels[chosen]}


def mosaic(images, count, height, width):
    """Pieces of nine garments beside one another, `[count, height, width, 1]`."""
    tiles = images[: 9 * count].reshape(count, 3, 3, 28, 28, 1).transpose(0, 1, 3, 2, 4, 5)
    return tiles.reshape(count, 84, 84, 1)[:, :height, :width]


def consume(python, script, artefact, place):
    hide = "import runpy, sys; sys.modules['cpc_keras'] = None; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0])"
    command = [python, "-c", hide, SCRIPTS / f"{script}.py", artefact, place / "inputs.npz", place / "out.npz"]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        sys.exit(f"{script} failed:\n{done.stderr[-2000:]}")
    with np.load(place / "out.npz") as found:
        return dict(found)


def compare(found, features, images, consumer):
    """Largest difference of what a consumer got to what the run's model gives, which is printed."""
    compute = {"vector": features, "map": features.feature_map, "grid": features.patch_grid}
    differences = {}
    for key, values in found.items():
        kind, _, name = key.partition("_")
        if name in images and kind in compute:
            expected = np.asarray(compute[kind](images[name]))
            same = values.shape == expected.shape and np.isfinite(values).all()
            differences[key] = np.abs(values - expected).max() if same else np.inf
    if not differences:
        sys.exit(f"{consumer[1]} gave nothing to compare")
    worst = max(differences.values())
    stack = f", {found['stack']}" if "stack" in found else ""
    print(f"{consumer[1]}{stack}: {len(differences)} outputs, largest difference {worst:.1e}", flush=True)
    return worst


def _spread(values):
    return f"{np.mean(values):.1f} ({np.min(values):.1f}–{np.max(values):.1f})"


if __name__ == "__main__":
    main(*sys.argv[1:])
