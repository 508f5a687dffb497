"""What is odd about a set of images and its labels: copies, images unlike all others, labels to look at again."""

import dataclasses
import html
import os
import pathlib

import numpy as np
from sklearn.model_selection import StratifiedKFold

from cpc_keras.backend.determinism import enable_determinism
from cpc_keras.curation.copies import Miniatures, groups_of_copies
from cpc_keras.curation.doubts import doubtful_labels, unlike_all
from cpc_keras.curation.images_of_run import ImagesOfRun
from cpc_keras.curation.thumbnails import thumbnail
from cpc_keras.errors import InputError, printable
from cpc_keras.evaluation.feature_store import open_store
from cpc_keras.evaluation.propagated import PropagatedProbe
from cpc_keras.graph.neighbors import are_copies, nearest
from cpc_keras.graph.space import Space
from cpc_keras.progress import ProgressBars, waiting
from cpc_keras.storage.atomic import write_text
from cpc_keras.storage.names import table_for_spreadsheet
from cpc_keras.storage.outputs import atomic_output, check_replaceable
from cpc_keras.storage.owner import owned_output
from cpc_keras.tables import as_html

LIST, PAGE = "inspection.csv", "inspection.html"
_TEMPLATE = pathlib.Path(__file__).with_name("inspection_page.html")
# Side of pictures on the page; entries of each kind, and pictures of each group, that it shows at most.
_SIDE, _SHOWN, _OF_A_GROUP = 112, 200, 12
# Neighbours by which an image is unlike all others, and of which the page shows some.
_NEIGHBORS, _SHOWN_NEIGHBORS = 10, 4
# Folds in which labels are held out in turn.
_FOLDS = 5
# Images without labels that labels are held against.
_POOL = 20_000


@dataclasses.dataclass
class Inspection:
    """What was found, as positions.

    Attributes:
        images: The `ImageSet` that was looked at.
        copies: List of integer arrays: groups of images that are one.
        differences: Float array `[N]`, how much each image differs from the most similar other one.
        unlike: Integer array, images unlike all others, the farthest first.
        distances: Float array `[N]`, distance to the nearest neighbours.
        near: Integer array `[N, k]`, the nearest neighbours.
        labelled: The labelled `ImageSet`, or `None`.
        examined: Labels that could be held out.
        doubtful: Integer array, positions in `labelled`, the most doubtful first.
        probabilities: Float array `[len(labelled), classes]`, of each label while it was held
            out; NaN where it could not be.
    """

    images: object
    copies: list
    differences: np.ndarray
    unlike: np.ndarray
    distances: np.ndarray
    near: np.ndarray
    labelled: object = None
    examined: int = 0
    doubtful: np.ndarray = dataclasses.field(default_factory=lambda: np.empty(0, int))
    probabilities: np.ndarray | None = None


def inspect(run, console, data=None, labels=None, out=None):
    """Looks through images and labels for what is odd, and writes a list of it and a page.

    * Copies: images whose small pictures are nearly equal, see
      `cpc_keras.curation.copies.groups_of_copies`.
    * Images unlike all others, by the encoder of the run, see
      `cpc_keras.curation.doubts.unlike_all`.
    * Labels that the images speak against: each is held out in turn, while the others are
      propagated to it through images without labels, see
      `cpc_keras.evaluation.propagated.PropagatedProbe` and
      `cpc_keras.curation.doubts.doubtful_labels`.

    Args:
        run: Path of the run's folder.
        console: A `rich.console.Console`.
        data: Source of the images; the run's if `None`.
        labels: CSV file with labelled images (`path,label`); if `None`, the labels that the
            source has, if it has any.
        out: Folder to write, `inspection` in the run's folder if `None`. It gets
            `inspection.csv` (path, issue, group, label, suggested, score) and
            `inspection.html`.

    Returns:
        `(page, found)`: the path of the page, and an `Inspection`.

    Raises:
        InputError: If run, images or labels cannot be used.
    """
    enable_determinism()
    with ProgressBars(console) as progress:
        own = ImagesOfRun(run, progress)
        images = own.open(data, labelled_only=False)
        console.print(printable(f"Images: {images.name}, {len(images):,}."))
        labelled = own.open(f"csv:{labels}", labelled_only=True) if labels else images
        if labels and labelled.labels is None:
            raise InputError(f"`--labels` must have labels. Received: {labels}")
        features = own.features(images)
        store = open_store(own.folder.evaluation / "features", Miniatures(), "pixels", images, own.recipe.crop)
        progress.start("small pictures", len(store.missing(np.arange(len(images)))))
        store.prepare(np.arange(len(images)), progress.advance)
        miniatures = store.of(np.arange(len(images)))["miniature"]
        known = features if labelled is images else own.features(labelled)
    with waiting(console, "Comparing images"):
        vectors = Space(seed=own.recipe.seed).fit(features).unit_vectors(features)
        near, similarities = nearest(vectors, _NEIGHBORS)
        copies, differences = groups_of_copies(miniatures)
        unlike, distances = unlike_all(similarities)
        found = Inspection(images, copies, differences, unlike, distances, near)
    if labelled.labels is not None:
        with waiting(console, f"Examining {len(labelled):,} labels"):
            _examine(found, labelled, known, features, own.recipe.seed)
    folder = pathlib.Path(out) if out else own.folder.path / "inspection"
    with waiting(console, "Writing the page"):
        page = _write(folder, out is not None, found)
    return page, found


def check_out(out):
    """Raises `InputError` if a folder is there that `inspect` would not replace."""
    if out is not None:
        check_replaceable(out, (LIST, PAGE), "--out")


def _examine(found, labelled, features, others, seed):
    """Holds each label out in turn."""
    given = np.asarray(labelled.labels)
    counts = np.bincount(given, minlength=len(labelled.class_names))
    used = np.flatnonzero(counts[given] >= 2)
    classes, truth = np.unique(given[used], return_inverse=True)
    found.labelled = labelled
    if len(classes) < 2:
        return
    pool = others[:0] if labelled is found.images else _drawn(others[~are_copies(others, features)], seed)
    splitter = StratifiedKFold(int(min(_FOLDS, np.bincount(truth).min())), shuffle=True, random_state=seed)
    folds = list(splitter.split(used, truth))
    probe = PropagatedProbe(folds=folds, seed=seed).fit({"usual": features[used]}, truth, {"usual": pool})
    positions, said = probe.held_out_
    probabilities = np.full((len(given), len(labelled.class_names)), np.nan)
    probabilities[np.ix_(used[positions], classes)] = said
    found.examined, found.probabilities = len(used), probabilities
    found.doubtful = used[doubtful_labels(truth, probabilities[np.ix_(used, classes)])]


def _drawn(features, seed):
    order = np.random.default_rng(seed).permutation(len(features))
    return features[np.sort(order[:_POOL])]


def _write(folder, guarded, found):
    """Writes the folder, whole or not at all; the path of its page."""
    with owned_output(folder, "--out"), atomic_output(folder, (LIST, PAGE), "--out", guarded) as partial:
        partial.mkdir()
        write_text(partial / LIST, table_for_spreadsheet(_rows(found)).to_csv(index=False))
        write_text(partial / PAGE, _page(found))
    return folder / PAGE


def _rows(found):
    """Columns of the list: copies, then images unlike all others, then labels."""
    rows: list[tuple] = []
    for number, group in enumerate(found.copies, 1):
        rows += [(_path(found.images, one), "copy", number, "", "", found.differences[one]) for one in group]
    rows += [(_path(found.images, one), "unlike all others", "", "", "", found.distances[one]) for one in found.unlike]
    for one in found.doubtful:
        given, suggested, probability = _label(found, one)
        rows.append((_path(found.labelled, one), "label", "", given, suggested, probability))
    names = ("path", "issue", "group", "label", "suggested", "score")
    rows = [(*row[:5], round(float(row[5]), 4)) for row in rows]
    return dict(zip(names, map(list, zip(*rows, strict=True)) if rows else [[] for _ in names], strict=True))


def _label(found, position):
    """`(given, suggested, probability of the given one)`."""
    names, said = found.labelled.class_names, np.nan_to_num(found.probabilities[position])
    given = int(found.labelled.labels[position])
    return names[given], names[int(said.argmax())], said[given]


def _path(images, position):
    name = images.ids[int(position)]
    return os.path.abspath(name) if os.path.isfile(name) else name


def _page(found):
    """The page as text."""
    images, labelled = found.images, found.labelled
    copies = [
        _entry([_figure(images, one) for one in group[:_OF_A_GROUP]], f"{len(group):,} images")
        for group in found.copies[:_SHOWN]
    ]
    unlike = [
        _entry(
            [_figure(images, one), *(_figure(images, near, "near") for near in found.near[one, :_SHOWN_NEIGHBORS])],
            f"distance {found.distances[one]:.2f}",
        )
        for one in found.unlike[:_SHOWN]
    ]
    doubtful = []
    for one in found.doubtful[:_SHOWN]:
        given, suggested, probability = _label(found, one)
        words = f"labelled {given}, looks like {suggested} ({100 * probability:.0f} % that the label is right)"
        doubtful.append(_entry([_figure(labelled, one)], words))
    if labelled is None:
        about = "No labels were given: --labels FILE.csv examines them."
    else:
        about = (
            f"Each of {found.examined:,} labels was held out in turn; what the others tell of its image speaks against "
            "it, of the first ones the most. Look, and correct the label in its file where it is wrong."
        )
    parts = {
        "TITLE": as_html(f"What is odd: {images.name}"),
        "COPIES": _section(
            "copies",
            "Copies",
            "Images that are the same but for small changes. Labelled twice, they count twice; in two splits, they "
            "make figures too good.",
            copies,
            len(found.copies),
            "groups",
        ),
        "UNLIKE": _section(
            "unlike",
            "Unlike all others",
            "Images that are far from everything else, the farthest first, each with what is nearest to it: broken "
            "files, other things, or what is rare.",
            unlike,
            len(found.unlike),
            "images",
        ),
        "LABELS": _section("labels", "Labels to look at again", about, doubtful, len(found.doubtful), "labels"),
    }
    text = _TEMPLATE.read_text(encoding="utf-8")
    for name, value in parts.items():
        text = text.replace(f"@{name}@", value)
    return text


def _section(name, title, about, entries, count, unit):
    shown = f", of which {len(entries):,} are shown; the list has all" if len(entries) < count else ""
    body = f'<ul class="entries" id="{name}">{"".join(entries)}</ul>' if entries else "<p>None.</p>"
    note = f'<p class="note">{as_html(about)} {count:,} {unit}{shown}.</p>'
    return f"<h2>{title}</h2>{note}{body}"


def _entry(figures, words):
    return f'<li><div class="pictures">{"".join(figures)}</div><p>{as_html(words)}</p></li>'


def _figure(images, position, kind=""):
    name = pathlib.PurePath(images.ids[int(position)]).name
    address = thumbnail(images.read(int(position)), _SIDE)
    title = html.escape(printable(_path(images, position)))
    return f'<img class="{kind}" src="{address}" alt="{as_html(name)}" title="{title}" loading="lazy">'
