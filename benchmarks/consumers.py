"""What an exported encoder is worth to programs without this package: frozen and fine-tuned on few labels.

    consumers.py [ARTEFACT [LABELS_PER_CLASS]]

The artefact is one of Fashion-MNIST, such as `make demo` leaves in `saved_models/fashion_mnist`. Each consumer runs in
a process of its own: tf-keras, Keras 3, and, where `make test-addons` set its environment up, Keras 2 with TensorFlow
Addons. Prints the largest difference of vectors to TensorFlow's own loader, and accuracy on 10,000 test images of a
linear layer on frozen features and after fine-tuning from there, over three label subsets.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from cpc_keras.data.image_set import to_float
from cpc_keras.data.label_subsets import nested_subsets
from cpc_keras.data.sources import open_source

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "tests" / "consumers"
ADDONS = ROOT / ".cache" / "addons" / "bin" / "python"
SEEDS = 3


def arrays(images, positions):
    return np.stack([to_float(images.read(int(position))) for position in positions])


def consume(python, script, artefact, inputs, out):
    hide = "import runpy, sys; sys.modules['cpc_keras'] = None; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0])"
    command = [python, "-c", hide, SCRIPTS / f"{script}.py", artefact, inputs, out]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, env=environment)
    with np.load(out) as found:
        return dict(found)


def main(artefact=ROOT / "saved_models" / "fashion_mnist", labels_per_class=10):
    train, test = open_source("tfds:fashion_mnist"), open_source("tfds:fashion_mnist@test")
    test_arrays = {"test_images": arrays(test, range(len(test))), "test_labels": test.labels}
    images = {"images": test_arrays["test_images"][:100]}
    consumers = [(sys.executable, "hub_layer"), (sys.executable, "tfsm_layer")]
    if ADDONS.exists():
        consumers.append((ADDONS, "hub_layer"))
    with tempfile.TemporaryDirectory() as temporary:
        inputs, out = (pathlib.Path(temporary, name) for name in ("inputs.npz", "out.npz"))
        for python, script in consumers:
            rows = []
            for seed in range(SEEDS):
                (chosen,) = nested_subsets(train.labels, seed, labels_per_class=(int(labels_per_class),)).values()
                train_arrays = {"train_images": arrays(train, chosen), "train_labels": train.labels[chosen]}
                np.savez(inputs, **images, **train_arrays, **test_arrays, epochs=300, passes=20, rate=5e-4)
                reference = consume(sys.executable, "hub_load", artefact, inputs, out)["vector_images"]
                found = consume(python, script, artefact, inputs, out)
                difference = np.abs(found["vector_images"] - reference).max()
                rows.append((100 * found["frozen"], 100 * found["fine_tuned"], difference))
            frozen, tuned, difference = np.array(rows).T
            print(
                f"{script}, {found['stack']}: frozen {_spread(frozen)} %, fine-tuned {_spread(tuned)} %, "
                f"gain {_spread(tuned - frozen)} points; largest difference of vectors {difference.max():.1e}",
                flush=True,
            )


def _spread(values):
    return f"{np.mean(values):.1f} ({np.min(values):.1f}–{np.max(values):.1f})"


if __name__ == "__main__":
    main(*sys.argv[1:])
