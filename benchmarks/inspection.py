"""What `inspect` finds of faults that were made on purpose: precision and recall, on Fashion-MNIST.

    inspection.py [RUN], a run that was pre-trained on tfds:fashion_mnist; runs/demo if none is given

Of 600 labels, 60 a class, 5 % are changed to another class, drawn anew three times; 50 of 60,000 images are copied with
one pixel inverted. Labels that were wrong before, and images that are twice in the data set, count as
false alarms.
"""

import csv
import os
import pathlib
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image
from rich.console import Console

from cpc_keras.curation.inspect import inspect
from cpc_keras.data.label_subsets import nested_subsets
from cpc_keras.data.sources import open_source
from cpc_keras.tables import Table

_SEEDS, _PER_CLASS, _WRONG, _COPIES = 3, 60, 30, 50


def write_png(picture, path):
    Image.fromarray(picture).save(path, compress_level=1)


def write_labels(images, file, seed):
    """Writes the labels; the names of those that were changed."""
    rng = np.random.default_rng(seed)
    (chosen,) = nested_subsets(images.labels, seed, labels_per_class=(_PER_CLASS,)).values()
    given = images.labels[chosen].copy()
    wrong = rng.permutation(len(chosen))[:_WRONG]
    given[wrong] = (given[wrong] + rng.integers(1, 10, _WRONG)) % 10
    with open(file, "w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(("path", "label"))
        for position, label in zip(chosen, given, strict=True):
            writer.writerow((f"images/{position:05d}.png", images.class_names[label]))
    return {f"{at:05d}.png" for at in chosen[wrong]}


def write_copies(images, folder):
    """Writes copies with one pixel inverted; pairs of names."""
    rng = np.random.default_rng(100)
    pairs = []
    for position in rng.permutation(len(images))[:_COPIES]:
        picture = images.read(int(position))[..., 0].copy()
        place = tuple(rng.integers(28, size=2))
        picture[place] = 255 - picture[place]
        name = f"{position:05d}-copy.png"
        write_png(picture, folder / name)
        pairs.append((f"{position:05d}.png", name))
    return pairs


def names_of(images, positions):
    return [pathlib.Path(images.ids[one]).name for one in positions]


def percent(share):
    return f"{100 * share:.0f}"


def main(run):
    images = open_source("tfds:fashion_mnist@train")
    columns = ("draw", "said", "precision, %", "recall, %", f"of the first {_WRONG}, %", "seconds")
    labels = Table(columns, "Labels to look at again")
    copies = Table(("groups", "of a planted copy", "recall, %", "images in the largest"), "Copies")
    with tempfile.TemporaryDirectory() as temporary:
        place = pathlib.Path(temporary)
        folder = place / "images"
        folder.mkdir()
        for position in range(len(images)):
            write_png(images.read(position)[..., 0], folder / f"{position:05d}.png")
        pairs = write_copies(images, folder)
        for seed in range(_SEEDS):
            wrong = write_labels(images, place / "labels.csv", seed)
            began = time.perf_counter()
            _, found = inspect(run, Console(quiet=True), f"dir:{folder}", place / "labels.csv", place / f"out{seed}")
            seconds = time.perf_counter() - began
            hits = [name in wrong for name in names_of(found.labelled, found.doubtful)]
            shares = (np.mean(hits), sum(hits) / _WRONG, sum(hits[:_WRONG]) / _WRONG)
            labels.add(seed, len(hits), *map(percent, shares), f"{seconds:.0f}")
        groups = [set(names_of(found.images, group)) for group in found.copies]
        known = sum(any(group.issuperset(pair) for group in groups) for pair in pairs)
        planted = sum(any(group.issuperset(pair) for pair in pairs) for group in groups)
        copies.add(len(groups), planted, percent(known / _COPIES), max(map(len, groups)))
    console = Console(width=120)
    console.print(labels.rich())
    console.print(copies.rich())


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "runs/demo")
