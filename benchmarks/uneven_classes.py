"""Whether propagation and selection hurt where classes are uneven: Fashion-MNIST, two of its ten classes with a tenth.

    uneven_classes.py [RUN] [DRAWS], a run of tfds:fashion_mnist; runs/demo and ten if none is given

Dresses and sneakers keep every tenth of their training images. The linear probe on labels that were drawn evenly from
the classes is what the others are compared with: propagated, chosen without a look at any label, both; and labels that
are drawn at random from all images, as nobody can draw evenly who has no labels. Balanced accuracy on the 10,000 test
images. The run is left as it is.
"""

import os
import pathlib
import shutil
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from PIL import Image
from rich.console import Console

from cpc_keras.data.budgets import Budget
from cpc_keras.data.sources import open_source
from cpc_keras.evaluation.evaluate import evaluate
from cpc_keras.evaluation.results import Results
from cpc_keras.evaluation.run_labels import finished_results, open_labelled
from cpc_keras.evaluation.table import points
from cpc_keras.runs.folder import RunFolder
from cpc_keras.tables import Table

_RARE, _KEPT = ("dress", "sneaker"), 10
_PER_CLASS = (2, 5, 10)
_METHODS = ("linear", "propagated")


def write_images(place):
    """Writes both splits as folders of classes; how many training images there are."""
    kept = 0
    for split in ("train", "test"):
        images, seen = open_source(f"tfds:fashion_mnist@{split}"), dict.fromkeys(_RARE, 0)
        for position, label in enumerate(images.labels):
            name = images.class_names[label].lower()
            if split == "train" and name in seen:
                seen[name] += 1
                if seen[name] % _KEPT:
                    continue
            folder = place / split / name.replace("/", "-")
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(images.read(position)[..., 0]).save(folder / f"{position:05d}.png", compress_level=1)
            kept += split == "train"
        if split == "train" and not all(seen.values()):
            raise SystemExit(f"`_RARE` must be classes of Fashion-MNIST. Received: {_RARE}")
    return kept


def results_of(run, source, budgets, draws, selection):
    """The `Results` of label budgets alone."""
    folder = RunFolder(run)
    shutil.rmtree(folder.cells, ignore_errors=True)
    evaluate(
        *(run, Console(width=160), source),
        budgets=budgets,
        methods=_METHODS,
        seeds=draws,
        baselines=(),
        class_shares="free",
        selection=selection,
    )
    images = open_labelled(folder.open(), source)
    return Results(finished_results(folder, images), images.test_labels, "balanced_accuracy")


def row(results, method, labels, selection=""):
    rows = results.with_chosen
    (found,) = (
        one
        for _, one in rows.iterrows()
        if (one["method"], one["labels"], one["selection"]) == (method, labels, selection)
    )
    return found


def main(run, draws):
    with tempfile.TemporaryDirectory() as temporary:
        place = pathlib.Path(temporary)
        count = write_images(place / "images")
        copy, source = place / "run", f"classes:{place / 'images'}"
        shutil.copytree(run, copy, ignore=shutil.ignore_patterns("evaluation", "report", "tuning", ".owner"))
        even = results_of(copy, source, [Budget("per_class", number) for number in _PER_CLASS], draws, "typical")
        _print_even(even, draws)
        # About as many labels, drawn from all: each class has its share.
        shares = [Budget("fraction", 10 * number / count) for number in _PER_CLASS]
        _print_at_random(results_of(copy, source, shares, draws, None))


def _print_even(results, draws):
    table = Table(
        ("labels", "linear, drawn evenly", "propagated", "chosen, linear", "chosen, propagated"),
        f"Balanced accuracy, %, and difference to the first (95 % interval), {draws} draws or choices",
    )
    for number in _PER_CLASS:
        labels = 10 * number
        first = row(results, "linear", labels)
        others = [
            row(results, method, labels, selection)
            for method, selection in (("propagated", ""), ("linear", "typical"), ("propagated", "typical"))
        ]
        cells = [f"{100 * one['mean']:.1f}, {points(results.compare(one, first)[2])}" for one in others]
        table.add(str(labels), f"{100 * first['mean']:.1f}", *cells)
    Console(width=160).print(table.rich())


def _print_at_random(results):
    table = Table(("labels", "linear", "propagated, difference"), "Labels that are drawn from all images")
    for labels in sorted(results.summary["labels"].unique()):
        first, other = (row(results, method, labels) for method in _METHODS)
        difference = points(results.compare(other, first)[2])
        table.add(str(labels), f"{100 * first['mean']:.1f}", f"{100 * other['mean']:.1f}, {difference}")
    Console(width=160).print(table.rich())


if __name__ == "__main__":
    asked = sys.argv[1:]
    main(asked[0] if asked else "runs/demo", int(asked[1]) if len(asked) > 1 else 10)
