"""Runs a consumer in a process of its own, and says what it should have got."""

import os
import pathlib
import subprocess
import sys

import numpy as np

SCRIPTS = pathlib.Path(__file__).parent
# Stands in for an environment without the package.
WITHOUT_PACKAGE = (
    "import runpy, sys; sys.modules['cpc_keras'] = None; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0])"
)


def consume(script, artefact, inputs, out, python=sys.executable):
    """What a script of this folder writes, as a dictionary of arrays.

    Args:
        script: Its name.
        artefact: What it consumes.
        inputs: `.npz` file that it reads.
        out: `.npz` file that it writes.
        python: Interpreter of its environment.

    Raises:
        RuntimeError: If it fails.
    """
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(SCRIPTS)}
    done = subprocess.run(
        [python, "-c", WITHOUT_PACKAGE, SCRIPTS / f"{script}.py", artefact, inputs, out],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if done.returncode:
        raise RuntimeError(f"{script} failed:\n{done.stderr[-3000:]}")
    with np.load(out) as found:
        return dict(found)


def expected_outputs(found, features, images):
    """What an `ImageFeatures` gives where a consumer has something, as a dictionary from the name of its array.

    Args:
        found: Arrays of a consumer, such as `vector_NAME` for the images NAME.
        features: The `ImageFeatures`.
        images: Arrays of images by name.
    """
    compute = {
        "vector": features,
        "map": features.feature_map,
        "grid": features.patch_grid,
        "probabilities": features.probabilities,
    }
    parts = {key: key.partition("_")[::2] for key in found}
    return {key: np.asarray(compute[kind](images[name])) for key, (kind, name) in parts.items() if name in images}
