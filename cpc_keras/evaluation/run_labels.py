"""The labels that a run is evaluated with: where they come from, how many, and what was finished with them."""

from collections import Counter

import numpy as np

from cpc_keras.data.budgets import Budget
from cpc_keras.data.labelled_sources import open_labelled_images
from cpc_keras.data.preparation import prepare
from cpc_keras.data.sources import open_source
from cpc_keras.errors import InputError, printable
from cpc_keras.evaluation.methods import LAYERS, METHODS
from cpc_keras.evaluation.results import EvaluationStore, known_records
from cpc_keras.storage.reading import note


def open_labelled(recipe, source=None, cross_validate=False, progress=None):
    """Labelled images as a recipe wants them, without those of its online probe.

    Args:
        recipe: A resolved `Recipe`.
        source: Where they are; the recipe's `data` if `None`.
        cross_validate: Whether a source without a test split is cross-validated.
        progress: As of `open_labelled_images`.

    Raises:
        InputError: As `open_labelled_images`.
    """
    return open_labelled_images(
        source or recipe.data,
        recipe.channels,
        recipe.short_side,
        recipe.max_bad_share,
        recipe.seed,
        cross_validate,
        apart=online_probe_ids(recipe),
        progress=progress,
    )


def open_prepared(recipe, source, progress=None, labelled_only=False):
    """The training images of a source, prepared as a recipe wants its own.

    Args:
        recipe: A resolved `Recipe`.
        source: See `cpc_keras.data.sources.open_source`.
        progress: As `cpc_keras.progress.NoProgress`.
        labelled_only: Whether images without a label are left out.

    Raises:
        InputError: If it cannot be opened.
    """
    opened = open_source(source, max_bad_share=recipe.max_bad_share, labelled_only=labelled_only, progress=progress)
    return prepare(opened, recipe.channels, recipe.short_side, recipe.max_bad_share, progress)


def add_pool(images, recipe, methods, progress=None):
    """Gives labelled images those that a run was pre-trained on, where a method learns from them and there is need.

    Where there is a test split, its training images are many. Where figures are
    cross-validated they are few. If the run's images cannot be opened, a note says why.

    Args:
        images: A `LabelledImages`, whose `pool` is set.
        recipe: A resolved `Recipe`.
        methods: Names of `METHODS`.
        progress: As `cpc_keras.progress.NoProgress`.
    """
    if images.test is None and any(METHODS[name].needs_pool for name in methods):
        try:
            images.pool = open_prepared(recipe, recipe.data, progress)
        except InputError as error:
            note(f"{error}; what learns from images without labels has none but those of the labelled ones.")


def online_probe_ids(recipe):
    """Ids of the images of a recipe's `online_probe`, which no evaluation is to learn from."""
    if recipe.online_probe is None:
        return frozenset()
    return frozenset(open_source(recipe.online_probe, max_bad_share=recipe.max_bad_share).ids)


def recipe_budgets(recipe):
    """The label budgets that a recipe names, as a list of `Budget`.

    Raises:
        InputError: If it names none.
    """
    budgets = [Budget("per_class", n) for n in recipe.labels_per_class]
    budgets += [Budget("fraction", share) for share in recipe.fractions]
    if not budgets:
        raise InputError("`labels_per_class` or `fractions` must name a label budget. Received: () and ()")
    return budgets


def announce(console, images):
    """Says where labels come from, and what is odd about them."""
    tested = "" if images.test is None else f", tested on {len(images.test):,} images ({images.test.split})"
    console.print(printable(f"Labels from {images.train.name} ({images.split}, {len(images.train):,} images){tested}."))
    for remark in images.notes:
        console.print(printable(f"Note: {remark}"))


def finished_results(folder, images):
    """Finished results of a run on the images that it would be evaluated with now.

    Args:
        folder: A `RunFolder` that was evaluated.
        images: What `open_labelled` gives for its `run_source`.

    Returns:
        `[(record, predicted)]`, see `EvaluationStore.everything`.

    Raises:
        InputError: If there are none, for they are of other images or labels.
    """
    return [(record, arrays["predicted"]) for record, arrays in finished_details(folder, images)]


def finished_details(folder, images):
    """As `finished_results`, with all that is kept of each: `[(record, arrays)]`, see `EvaluationStore.details`."""
    found = result_store(folder, images).details()
    if not found:
        raise InputError(
            f"`RUN` was evaluated with other images or labels than are there now; evaluate it again. "
            f"Received: {folder.path}"
        )
    return found


def preferred_pooling(records):
    """The pooling that the encoder's linear probes chose most often, or `None`."""
    # Before 0.2 records called it "view".
    chosen = [
        record["selected"].get("pooling") or record["selected"].get("view")
        for record in records
        if (record["method"], record["encoder"]) == ("linear", "cpc")
    ]
    known = Counter(pooling for pooling in chosen if pooling)
    return known.most_common(1)[0][0] if known else None


def preferred_layer(records):
    """The one of `LAYERS` that was most accurate at the most labels that it was given; `None` if there is none.

    Args:
        records: Those of an evaluation.
    """
    own = [record for record in records if record["encoder"] == "cpc" and record["method"] in LAYERS]
    last = max((record["checkpoint"] for record in own), default=None)
    most = max((record["labels"] for record in own), default=None)
    last_most = [record for record in own if (record["checkpoint"], record["labels"]) == (last, most)]
    means = {
        name: np.mean([record["balanced_accuracy"] for record in last_most if record["method"] == name])
        for name in LAYERS
        if any(record["method"] == name for record in last_most)
    }
    return max(means, key=means.__getitem__, default=None)


def result_store(folder, images):
    """The `EvaluationStore` of a run for some labelled images."""
    return EvaluationStore(folder.cells / images.digest[:16], len(images.test_labels))


def run_records(folder):
    """The records of a run's evaluation; none where there was none.

    Where the list of them is gone, or cannot be read, it is made again of the finished
    results on the images that were evaluated last.

    Args:
        folder: A `RunFolder`.
    """
    listed = folder.records()
    if listed is not None:
        return known_records(listed)
    stores = sorted(folder.cells.glob("[!.]*/"), key=lambda store: store.stat().st_mtime_ns)
    return [record for record, _ in EvaluationStore(stores[-1]).everything()] if stores else []


def unfinished(folder):
    """That the last evaluation of a run is under way or broke off, in a sentence; else nothing.

    Args:
        folder: A `RunFolder`.
    """
    rows = (folder.source() or {}).get("rows")
    if rows is None:
        return ""
    return (
        f"The last evaluation, of {rows} {'row' if rows == 1 else 'rows'}, is under way or broke off: figures are of "
        "what is finished, and the same command goes on."
    )


def run_source(folder, recipe):
    """`(source, cross_validate)` that a run was evaluated with; the recipe's if it was not."""
    described = folder.source()
    if described is None:
        return recipe.data, False
    return folder.find_source(described["data"], described.get("made_in")), described["cross_validate"]
