"""Names for states: equal for equal content only."""

import hashlib
import json
import pathlib


def of_lines(lines):
    """SHA-256 of a list of texts, one a line; names that are no UTF-8 have one too.

    Example:

    >>> of_lines(["a.png", "b.png"])[:8]
    '06c1456d'
    """
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode(errors="surrogatepass")).hexdigest()


def of_file(path):
    """SHA-256 of a file; of one with a text a line, that of the list of texts."""
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def of_json(*parts):
    """SHA-256 of whatever JSON can hold.

    Example:

    >>> of_json("linear", {"C": 1}) == of_json("linear", {"C": 1}) != of_json("linear", {"C": 2})
    True
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def of_array(array):
    """SHA-256 of an array's values."""
    import numpy as np

    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def of_weights(model):
    """SHA-256 of a Keras model's weights: the same for the same encoder, wherever saved."""
    import numpy as np

    digest = hashlib.sha256()
    for weight in model.weights:
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def of_variables(folder):
    """SHA-256 of the variables of a SavedModel."""
    digest = hashlib.sha256()
    for path in sorted(pathlib.Path(folder, "variables").glob("variables.data-*")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def of_saved_model(folder):
    """SHA-256 of the graph and the variables of a SavedModel."""
    return of_json(of_file(pathlib.Path(folder, "saved_model.pb")), of_variables(folder))
