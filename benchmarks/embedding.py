"""`embed` beside the bare network's `predict`: images a second over 60,000 images, and their ratio.

    embedding.py [ARTEFACT [IMAGES [REPETITIONS]]]

The artefact is one of Fashion-MNIST, such as `make demo` leaves in `saved_models/fashion_mnist`. Both compute the same
signature of it from the same images; `predict` is handed one array in memory, `embed` loads the model, reads images
from a prepared TFDS set, crops them, writes shards and the file. Starting Python is left out of both.
"""

import io
import os
import pathlib
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cpc_keras  # noqa: F401 -- first, so that TensorFlow uses oneDNN

# isort: split
import keras
import numpy as np
from rich.console import Console

from cpc_keras.data.image_set import to_float
from cpc_keras.data.sources import open_source
from cpc_keras.export.embed import embed

SAVED = pathlib.Path(__file__).resolve().parent.parent / "saved_models"


def main(artefact=SAVED / "fashion_mnist", count=60000, repetitions=3):
    count = int(count)
    images = open_source(f"tfds:fashion_mnist@train[:{count}]")
    array = np.stack([to_float(images.read(position)) for position in range(count)])
    for signature, endpoint in (("serving_default", "serve"), ("feature_map", "serve_feature_map")):
        layer = keras.layers.TFSMLayer(artefact, call_endpoint=endpoint)
        inputs = keras.Input(array.shape[1:])
        bare = keras.Model(inputs, layer(inputs))
        bare.predict(array[:256], batch_size=128, verbose=0)
        rows = []
        for _ in range(int(repetitions)):
            began = time.perf_counter()
            bare.predict(array, batch_size=128, verbose=0)
            alone = time.perf_counter() - began
            with tempfile.TemporaryDirectory() as temporary:
                began = time.perf_counter()
                out = pathlib.Path(temporary, "out.npz")
                source = f"tfds:fashion_mnist@train[:{count}]"
                embed(artefact, source, out, Console(file=io.StringIO()), signature)
                rows.append((count / alone, count / (time.perf_counter() - began)))
        alone, ours = np.array(rows).T
        ratios = ours / alone
        print(
            f"{signature}: predict {np.median(alone):.0f} images/s, embed {np.median(ours):.0f} images/s; "
            f"ratio {np.median(ratios):.3f} ({ratios.min():.3f}–{ratios.max():.3f})",
            flush=True,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
