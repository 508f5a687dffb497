"""Which images to label next: a list of them, and a page to label them in."""

import os
import pathlib

import numpy as np

from cpc_keras.backend.determinism import enable_determinism
from cpc_keras.curation.images_of_run import ImagesOfRun
from cpc_keras.curation.labelling_page import labelling_page
from cpc_keras.curation.thumbnails import to_picture
from cpc_keras.errors import InputError, printable
from cpc_keras.evaluation.probes import LinearProbe
from cpc_keras.graph.choose import WAYS, choose
from cpc_keras.graph.neighbors import nearest
from cpc_keras.graph.space import Space
from cpc_keras.progress import ProgressBars, waiting
from cpc_keras.storage.atomic import write_text
from cpc_keras.storage.names import table_for_spreadsheet
from cpc_keras.storage.outputs import atomic_output, check_replaceable
from cpc_keras.storage.owner import owned_output
from cpc_keras.storage.reading import read_json

LIST, PAGE = "to_label.csv", "label.html"
# Neighbours that the page shows of each image.
_SHOWN = 6


def select(run, count, console, data=None, already=None, by="typical", out=None, seed=0, after=""):
    """Chooses images to label next, and writes a list of them and a page to label them in.

    No label is looked at but those in `already`. See `cpc_keras.graph.choose.choose` for
    the ways to choose.

    Args:
        run: Path of the run's folder, whose encoder says which images are alike.
        count: Images to choose.
        console: A `rich.console.Console`.
        data: Source of the images; the run's if `None`.
        already: CSV file with images that are labelled (`path,label`), whose neighbourhood
            needs no label more; or `None`.
        by: One of `cpc_keras.graph.choose.WAYS`.
        out: Folder to write; one in the run's folder, called after what is chosen, if
            `None`. It gets `to_label.csv` (path, label, cluster, why) and `label.html`, and
            where images are not files, pictures of those that are chosen.
        seed: Whole number.
        after: The command that takes the labels, for the page.

    Returns:
        `(page, chosen)`: the path of the page, and a list of `Choice`.

    Raises:
        InputError: If run, images or labels cannot be used, or there are no more images.
    """
    if by not in WAYS:
        raise InputError(f"`--by` must be one of {', '.join(WAYS)}. Received: {by}")
    if by == "uncertain" and already is None:
        raise InputError("`--by uncertain` needs `--already`, labels for a first classifier. Received: none")
    enable_determinism()
    with ProgressBars(console) as progress:
        own = ImagesOfRun(run, progress)
        images = own.open(data)
        console.print(printable(f"Images: {images.name}, {len(images):,}."))
        labelled = own.open(f"csv:{already}", labelled_only=True) if already else None
        if labelled is not None and labelled.labels is None:
            raise InputError(f"`--already` must have labels. Received: {already}")
        features = own.features(images)
        known = own.features(labelled) if labelled else features[:0]
    with waiting(console, "Choosing images"):
        space = Space(seed=own.recipe.seed).fit(features)
        vectors = np.concatenate([space.unit_vectors(features), space.unit_vectors(known)])
        said = _said(features, known, labelled) if by == "uncertain" else None
        chosen = choose(vectors, count, by, np.arange(len(features), len(vectors)), said, seed)
        if not chosen:
            raise InputError(f"`--count` needs images that are not labelled. Received: {count} of none")
        near, _ = nearest(vectors[: len(features)], _SHOWN, vectors[[one.position for one in chosen]])
    folder = pathlib.Path(out) if out else _usual_folder(own.folder, by, count, labelled)
    with waiting(console, "Writing the page"):
        page = _write(folder, out is not None, images, chosen, near, _classes(own.folder, labelled), after)
    return page, chosen


def _said(features, known, labelled):
    """What a first classifier says of all images, the labelled ones behind."""
    probe = LinearProbe().fit({"usual": known}, labelled.labels, {"usual": features})
    return probe.predict_proba({"usual": np.concatenate([features, known])})


def _usual_folder(folder, by, count, labelled):
    after = f"-after-{len(labelled)}" if labelled else ""
    return folder.path / "selection" / f"{by}-{count}{after}"


def _classes(folder, labelled):
    """Names of classes that the page begins with."""
    if labelled:
        return labelled.class_names
    return tuple((read_json(folder.classes_file) or {}).values()) if folder.classes_file.is_file() else ()


def _write(folder, guarded, images, chosen, near, classes, after):
    """Writes the folder, whole or not at all; the path of its page."""
    with owned_output(folder, "--out"), atomic_output(folder, (LIST, PAGE), "--out", guarded) as partial:
        partial.mkdir()
        paths = _paths(folder, partial, images, chosen)
        rows = [
            {
                "position": one.position,
                "path": path,
                "why": one.why,
                "neighbors": [other for other in others if other != one.position][: _SHOWN - 1],
            }
            for one, path, others in zip(chosen, paths, near.tolist(), strict=True)
        ]
        table = {
            "path": paths,
            "label": [""] * len(chosen),
            "cluster": ["" if one.cluster is None else one.cluster for one in chosen],
            "why": [one.why for one in chosen],
        }
        write_text(partial / LIST, table_for_spreadsheet(table).to_csv(index=False))
        title = f"Label {len(chosen):,} images of {images.name}"
        write_text(partial / PAGE, labelling_page(title, images, rows, classes, after))
    return folder / PAGE


def _paths(folder, partial, images, chosen):
    """Where the chosen images lie, from the root; those that are not files are written as PNG files."""
    paths = []
    for one in chosen:
        name = images.ids[one.position]
        if not os.path.isfile(name):
            place = pathlib.Path("images") / f"{one.position}.png"
            (partial / "images").mkdir(exist_ok=True)
            to_picture(images.read(one.position)).save(partial / place)
            name = folder / place
        paths.append(os.path.abspath(name))
    return paths


def check_out(out):
    """Raises `InputError` if a folder is there that `select` would not replace."""
    if out is not None:
        check_replaceable(out, (LIST, PAGE), "--out")
