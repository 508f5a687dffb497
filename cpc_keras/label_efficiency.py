"""How few labels suffice: every method at every label budget, for a run."""

import dataclasses
import json
import time

import numpy as np
from rich.progress import Progress

from cpc_keras.building import build_cpc, build_encoder
from cpc_keras.data.image_set import prepare
from cpc_keras.data.label_subsets import nested_subsets, subset_hash
from cpc_keras.data.sources import SPLIT_NAMES, open_source, parse_source, source_splits
from cpc_keras.errors import InputError
from cpc_keras.evaluation.features import EncoderViews, FeatureStore, PixelViews, weights_digest
from cpc_keras.evaluation.label_table import label_table
from cpc_keras.evaluation.probes import KNNProbe, LinearProbe
from cpc_keras.evaluation.scores import scores
from cpc_keras.evaluation.supervised import SupervisedBaseline
from cpc_keras.optimizers import use_averages
from cpc_keras.pretraining import load_model
from cpc_keras.run_folder import RunFolder, write_json, write_text

METHODS = ("linear", "knn", "supervised")
ENCODERS = ("cpc", "untrained", "pixels")
_PROBES = {"linear": LinearProbe, "knn": KNNProbe}
# Unlabelled images from which probes take the scale of each feature.
_UNLABELLED = 2000
_HELD_OUT = 0.2


@dataclasses.dataclass
class Budget:
    """One label budget: `kind` is `"per_class"` or `"fraction"`."""

    kind: str
    amount: float

    def __str__(self):
        return f"{self.amount:g} a class" if self.kind == "per_class" else f"{self.amount:.3g} of all"


def evaluate(run, console, data=None, budgets=None, methods=METHODS, seeds=None, encoders=ENCODERS):
    """Few-label accuracy of a run's encoder against its rivals.

    Frozen encoder, untrained encoder and raw pixels under the same probes, and
    a network of the same kind trained from scratch. Everything is chosen inside
    the labelled subset; the test split is used for the final figures only.

    Args:
        run: Path of the run's folder.
        console: A `rich.console.Console`.
        data: Source with labels; the recipe's if `None`.
        budgets: List of `Budget`; the recipe's if `None`.
        methods: Any of `"linear"`, `"knn"`, `"supervised"`.
        seeds: Number of subsets at each budget; the recipe's if `None`.
        encoders: What the probes are put on: any of `"cpc"`, `"untrained"`,
            `"pixels"`.

    Returns:
        The records, as written to `evaluation/label_efficiency.json`.

    Raises:
        InputError: If the run, the data or a budget cannot be used.
    """
    folder = RunFolder(run)
    recipe = folder.open()
    unknown = [method for method in methods if method not in METHODS]
    if unknown or not methods:
        raise InputError(f"`--methods` must be names out of {','.join(METHODS)}. Received: {','.join(methods)}")
    step, model = load_last_model(folder)
    train, test = open_train_and_test(data or recipe.data, recipe)
    budgets = recipe_budgets(recipe) if budgets is None else budgets
    seeds = recipe.label_seeds if seeds is None else seeds
    subsets = {seed: draw_subsets(train, budgets, seed) for seed in range(seeds)}
    write_json(folder.source_file, {"data": data or recipe.data})
    _write_subsets(folder, train, subsets)
    console.print(
        f"Labels from {train.name} ({train.split}, {len(train):,} images), "
        f"tested on {len(test):,} images ({test.split})."
    )
    results = _Results(folder, step)
    frozen = [method for method in methods if method in _PROBES]
    with Progress(console=console, disable=not console.is_terminal) as progress:
        if frozen:
            frozen_encoders = _frozen_encoders(folder, recipe, model, encoders, train, test, subsets, progress)
            for encoder, features in frozen_encoders:
                _probe(encoder, features, frozen, train, test, subsets, results, progress)
        if "supervised" in methods:
            _supervise(recipe, train, test, subsets, results, progress)
    console.print(label_table(results.records))
    return results.records


def load_last_model(folder):
    """`(step, model)` of a run's last checkpoint, with averaged weights where there are any.

    Raises:
        InputError: If there is none, or it is damaged.
    """
    last = folder.last_checkpoint()
    if last is None:
        raise InputError(f"`RUN` must have a checkpoint. Received: {folder.path} without one")
    model = load_model(last[1])
    use_averages(model)
    return last[0], model


def open_train_and_test(source, recipe):
    """Labelled training images, and images to test on.

    The test images are the split `test`, else `validation`; a source without
    either gives up a fifth of each class, drawn with the recipe's seed.

    Raises:
        InputError: If the source has no labels, or one class only.
    """
    splits = source_splits(source)
    train = open_source(source, max_bad_share=recipe.max_bad_share)
    if train.labels is None:
        raise InputError(f"`data` must have labels to evaluate with. Received: {source}")
    test_name = next((name for name in reversed(SPLIT_NAMES) if name in splits and name != "train"), None)
    if test_name is not None and train.split != test_name:
        kind, place = parse_source(source)
        test = open_source(f"{kind}:{place.partition('@')[0]}", test_name, recipe.max_bad_share)
        parts = [train, test]
    else:
        kept, held_out = _hold_out(train.labels, recipe.seed)
        parts = [train.subset(kept), train.subset(held_out)]
        parts[1].split = f"a fifth of each class of {train.split}, held out"
    if len(np.unique(parts[0].labels)) < 2:
        raise InputError(f"`data` must have at least two classes. Received: {source} with one")
    return tuple(prepare(part, recipe.channels, recipe.short_side, recipe.max_bad_share) for part in parts)


def _hold_out(labels, seed):
    rng = np.random.default_rng([seed, len(labels)])
    parts = []
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        parts.append(members[: max(1, round(_HELD_OUT * len(members)))])
    held_out = np.sort(np.concatenate(parts))
    return np.setdiff1d(np.arange(len(labels)), held_out), held_out


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


def draw_subsets(train, budgets, seed):
    """Stratified, nested label subsets of a seed.

    Args:
        train: A labelled `ImageSet`.
        budgets: List of `Budget`.
        seed: Whole number.

    Returns:
        A list of `(budget, positions)`.

    Raises:
        InputError: If there are too few labels, or two budgets that are the same.
    """
    drawn = nested_subsets(
        train.labels,
        seed,
        labels_per_class=[int(b.amount) for b in budgets if b.kind == "per_class"],
        fractions=[b.amount for b in budgets if b.kind == "fraction"],
    )
    found = [(budget, drawn[budget.kind, budget.amount]) for budget in budgets]
    counts = [len(positions) for _, positions in found]
    if len(set(counts)) < len(counts):
        raise InputError(f"Label budgets must differ. Received: {', '.join(map(str, budgets))}, of {counts} labels")
    return found


def _write_subsets(folder, train, subsets):
    hashes = {}
    for seed, drawn in subsets.items():
        for budget, positions in drawn:
            ids = [train.ids[position] for position in positions]
            name = f"{budget.kind}-{budget.amount:g}-seed{seed}.txt"
            write_text(folder.evaluation / "subsets" / name, "".join(f"{one}\n" for one in ids))
            hashes[name] = subset_hash(ids)
    write_json(folder.evaluation / "subsets" / "sha256.json", hashes)


def _frozen_encoders(folder, recipe, model, encoders, train, test, subsets, progress):
    """Yields `(name, features)` of each of `encoders`."""
    labelled = np.unique(np.concatenate([positions for drawn in subsets.values() for _, positions in drawn]))
    sample = np.random.default_rng(recipe.seed).permutation(len(train))[:_UNLABELLED]
    store = FeatureStore(folder.evaluation / "features", recipe.crop)
    for name in encoders:
        if name == "pixels":
            views: PixelViews | EncoderViews = PixelViews()
            digest = "pixels"
        else:
            encoder = model if name == "cpc" else build_cpc(recipe)
            views, digest = EncoderViews(encoder), weights_digest(encoder)[:16]
        needed = {"train": np.union1d(labelled, sample), "test": np.arange(len(test))}
        task = progress.add_task(f"features: {name}", total=sum(map(len, needed.values())))
        done = {}
        for part, images in (("train", train), ("test", test)):
            key = f"{digest}-{subset_hash(images.ids)[:16]}"
            done[part] = store.features(
                key, views, images, needed[part], progress=lambda n, task=task: progress.advance(task, n)
            )
        progress.update(task, completed=sum(map(len, needed.values())))
        place = {position: index for index, position in enumerate(needed["train"])}

        def of_train(positions, features=done["train"], place=place):
            chosen = [place[position] for position in positions]
            return {view: values[chosen] for view, values in features.items()}

        yield name, {"train": of_train, "unlabelled": of_train(np.sort(sample)), "test": done["test"]}


def _probe(encoder, features, methods, train, test, subsets, results, progress):
    count = len(methods) * sum(map(len, subsets.values()))
    task = progress.add_task(f"probes: {encoder}", total=count)
    for seed, drawn in subsets.items():
        for budget, positions in drawn:
            for method in methods:
                began = time.perf_counter()
                probe = _PROBES[method](seed=seed)
                probe.fit(features["train"](positions), train.labels[positions], features["unlabelled"])
                figures = scores(test.labels, probe.predict_proba(features["test"]), probe.classes_)
                results.add(
                    method,
                    encoder,
                    budget,
                    positions,
                    train,
                    seed,
                    figures,
                    probe.selected_,
                    probe.trials_,
                    began,
                )
                progress.advance(task)


def _supervise(recipe, train, test, subsets, results, progress):
    classes = len(train.class_names)
    baseline = SupervisedBaseline(
        lambda: build_encoder(recipe, include_top=True, classes=classes, name="scratch"), recipe.crop
    )
    settings = len(baseline.learning_rates) * len(baseline.weight_decays)
    budgets = list(range(len(next(iter(subsets.values())))))
    task = progress.add_task("supervised from scratch", total=len(budgets) * (settings * baseline.folds + len(subsets)))
    for index in budgets:
        setting = None
        for seed, drawn in subsets.items():
            budget, positions = drawn[index]
            began = time.perf_counter()
            if setting is None:
                # The first subset's choice serves the other seeds of this budget.
                setting, trials, _ = baseline.search(train.subset(positions), progress=lambda: progress.advance(task))
            baseline.fit(train.subset(positions), setting, seed)
            figures = scores(test.labels, baseline.predict_proba(test), np.arange(classes))
            results.add("supervised", "scratch", budget, positions, train, seed, figures, setting, trials, began)
            progress.advance(task)


class _Results:
    """Collects records and writes them after each, whole."""

    def __init__(self, folder, step):
        self.path = folder.label_efficiency_file
        self.checkpoint = step
        self.records = []

    def add(self, method, encoder, budget, positions, train, seed, figures, selected, trials, began):
        labels = len(positions)
        per_class = budget.kind == "per_class"
        self.records.append(
            {
                "method": method,
                "encoder": encoder,
                "checkpoint": None if encoder in ("pixels", "scratch") else self.checkpoint if encoder == "cpc" else 0,
                "fraction": None if per_class else budget.amount,
                "labels": labels,
                "labels_per_class": int(budget.amount) if per_class else None,
                "seed": seed,
                "split": train.split,
                **figures,
                "selected": selected,
                "trials": trials,
                "seconds": round(time.perf_counter() - began, 3),
            }
        )
        write_json(self.path, self.records)


def load_source(folder, recipe):
    """The source that a run was evaluated with; the recipe's if it was not."""
    if not folder.source_file.is_file():
        return recipe.data
    return json.loads(folder.source_file.read_text(encoding="utf-8"))["data"]


def load_records(folder):
    """The records of a run's evaluation; none where there was no evaluation."""
    if not folder.label_efficiency_file.is_file():
        return []
    return json.loads(folder.label_efficiency_file.read_text(encoding="utf-8"))
