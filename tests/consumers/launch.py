"""Runs a consumer in a process of its own, and says what it should have got."""

import os
import pathlib
import subprocess

import numpy as np

from tests.processes import STRANGER, run

SCRIPTS = pathlib.Path(__file__).parent


def consume(script, artefact, inputs, out, python=None):
    """What a script of this folder writes, as a dictionary of arrays.

    Args:
        script: Its name.
        artefact: What it consumes.
        inputs: `.npz` file that it reads.
        out: `.npz` file that it writes.
        python: Interpreter of an environment without the package, if it is another one than ours.

    Raises:
        RuntimeError: If it fails.
    """
    arguments = (SCRIPTS / f"{script}.py", artefact, inputs, out)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if python:
        done = subprocess.run([python, *arguments], capture_output=True, text=True, check=False, env=environment)
    else:
        done = run(*arguments, env=environment, imports=STRANGER)
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

    def of_middle(whole):
        """What is said of the crops that the model was built for."""
        crop = features.cpc.get_build_config()["input_shape"][1]
        top, left = ((side - crop) // 2 for side in whole.shape[1:3])
        return features.probabilities(whole[:, top : top + crop, left : left + crop])

    compute = {
        "vector": features,
        "map": features.feature_map,
        "grid": features.patch_grid,
    }
    if features.head is not None:
        compute |= {"probabilities": features.probabilities, "middle": of_middle, "file": of_middle}
    parts = {key: key.partition("_")[::2] for key in found}
    wanted = {key: (kind, name) for key, (kind, name) in parts.items() if kind in compute and name in images}
    return {key: np.asarray(compute[kind](images[name])) for key, (kind, name) in wanted.items()}
