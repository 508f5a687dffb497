"""What a sweep over label budgets costs beside one extraction of features and its own fits.

Seven fractions, three seeds, linear probe and nearest neighbours, on Fashion-MNIST under the demo's encoder with random
weights. Prints a profile and the ratio of the whole to extraction and fits; the extraction is measured by itself before
and after. With arguments, other fractions: `label_sweep.py 1 10`.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import collections
import pathlib
import tempfile
import time

import numpy as np

from cpc_keras.config.build import build_cpc
from cpc_keras.config.files import load_recipe
from cpc_keras.config.resolve import resolve
from cpc_keras.data.budgets import Budget
from cpc_keras.data.sources import open_source
from cpc_keras.evaluation.encoders import cpc_encoder
from cpc_keras.evaluation.features import EncoderFeatures, extract
from cpc_keras.evaluation.networks import estimators
from cpc_keras.evaluation.results import EvaluationStore
from cpc_keras.evaluation.run_labels import open_labelled
from cpc_keras.evaluation.runner import Runner
from cpc_keras.storage.atomic import write_json

PERCENT = (1, 2, 5, 10, 20, 50, 100)


def timed(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main():
    percent = tuple(map(float, sys.argv[1:])) or PERCENT
    recipe = load_recipe("fashion_mnist")
    recipe = resolve(recipe, open_source(recipe.data))
    data, model = open_labelled(recipe), build_cpc(recipe)

    def bare():
        features = EncoderFeatures(model)
        for part in (data.train, data.test):
            extract(features, part, recipe.crop)

    def sweep_all():
        runner = Runner(data, [Budget("fraction", share / 100) for share in percent], 3, store)
        for estimator in estimators(cpc_encoder(model), ("linear", "knn"), data, folder / "features", recipe.crop):
            runner.run(estimator, save=lambda: write_json(folder / "records.json", [r for r, _ in store.everything()]))

    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        store = EvaluationStore(folder / "cells")
        before = timed(bare)
        whole = timed(sweep_all)
        after = timed(bare)
        fits = collections.Counter()
        for record, _ in store.everything():
            fits[record["method"], record["labels"]] += record["seconds"]
    extraction = np.median([before, after])
    total = sum(fits.values())
    print(f"one extraction of {len(data.train) + len(data.test):,} images: {before:.1f} and {after:.1f} s")
    for (method, labels), seconds in sorted(fits.items(), key=lambda item: (item[0][0], item[0][1])):
        print(f"  fits, {method:<7} {labels:>6,} labels: {seconds:7.1f} s")
    print(f"all fits: {total:.1f} s; the sweep: {whole:.1f} s; the rest of it: {whole - extraction - total:.1f} s")
    low, high = (whole / (one + total) for one in (max(before, after), min(before, after)))
    print(f"the sweep costs {whole / (extraction + total):.3f} of extraction and fits ({low:.3f}–{high:.3f})")


if __name__ == "__main__":
    main()
