"""The class that an exported head gives to every image."""

import numpy as np

from cpc_keras.errors import InputError, printable
from cpc_keras.export.artefact import open_artefact
from cpc_keras.export.every_image import send_through, writable
from cpc_keras.export.model_card import threshold_words
from cpc_keras.progress import waiting
from cpc_keras.storage.names import table_for_spreadsheet, written
from cpc_keras.storage.owner import owned_output


def predict(model, data, out, console, every_class=False, threshold=None):
    """Writes the class that an exported head gives to every image of a source.

    It is the likelier one. Of two classes, the threshold that was chosen inside the
    labels is printed, and used where it is asked for.

    Args:
        model: Folder of an artefact that was exported with a head.
        data: Source of the images, see `cpc_keras.data.open_source`; of files all
            splits are taken, of `tfds:NAME` without `@SPLIT` the training split.
        out: CSV file to write, with the columns `path`, `class` and `probability`; names
            are written as `cpc_keras.storage.names.table_for_spreadsheet` does.
        console: A `rich.console.Console`.
        every_class: Whether there is a column for each class too, `p(CLASS)`, with its
            probability.
        threshold: Of two classes, the probability of the second one from which on it is
            written, in `[0, 1]`, such as `threshold` of the head in `model.json`; the
            likelier class is written if `None`. `probability` is that of the class
            that is written.

    Returns:
        The path.

    Raises:
        InputError: As `embed`, if the artefact has no head, and if it has a head of
            other than two classes and `threshold` is given.
    """
    out = writable(out, (".csv",))
    with waiting(console, f"Loading {model}"):
        artefact = open_artefact(model)
    if "classify" not in artefact.signatures:
        raise InputError(f"`MODEL` must be exported with --with-head. Received: {model} with {artefact.signatures}")
    names = np.array(artefact.class_names)
    if threshold is not None and len(names) != 2:
        raise InputError(
            f"`--threshold` must be asked of a model of two classes. Received: {threshold:g} for {len(names)} classes"
        )

    def write(partial, shards):
        with open(partial, "w", encoding="utf-8", newline="") as file:
            for number, (paths, arrays) in enumerate(shards):
                said = arrays["probabilities"]
                chosen = said.argmax(axis=1) if threshold is None else (said[:, 1] >= threshold).astype(int)
                table = {"path": paths, "class": names[chosen], "probability": said[np.arange(len(said)), chosen]}
                if every_class:
                    table |= {f"p({written(name)})": said[:, place] for place, name in enumerate(names)}
                table_for_spreadsheet(table).to_csv(file, index=False, header=number == 0, float_format="%.4f")

    with owned_output(out, "--out", "file"):
        path = send_through(artefact, data, "classify", out, console, write)
    _tell_decision(artefact.description["head"], names, threshold, console)
    return path


def _tell_decision(head, names, threshold, console):
    """Says by what two classes were parted, and by what they may be."""
    known = isinstance(head.get("threshold"), float) and isinstance(head.get("held_out"), int)
    if threshold is not None:
        console.print(printable(f"“{names[1]}” is written from a probability of {threshold:g} on."))
    elif known and head["held_out"]:
        console.print(printable(f"{threshold_words(head)} For that, add --threshold {head['threshold']:g}."))
