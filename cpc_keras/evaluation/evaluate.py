"""How few labels suffice: every regime at every label budget, for a run."""

import functools

from cpc_keras.backend.determinism import enable_determinism
from cpc_keras.config.build import build_cpc, build_head
from cpc_keras.data.budgets import Budget
from cpc_keras.errors import InputError
from cpc_keras.evaluation.cells import Cells
from cpc_keras.evaluation.entrants import cpc_entrant, foreign_entrant, pixels_entrant
from cpc_keras.evaluation.intervals import Results
from cpc_keras.evaluation.label_table import label_table
from cpc_keras.evaluation.labels_of_runs import announce, open_labelled, recipe_budgets
from cpc_keras.evaluation.line_up import METHODS, contestants, line_up, network
from cpc_keras.evaluation.settings import load_settings
from cpc_keras.evaluation.sweep import Sweep
from cpc_keras.progress import ProgressBars
from cpc_keras.runs.checkpoints import load_last_model, load_trained
from cpc_keras.runs.folder import RunFolder
from cpc_keras.storage import digests
from cpc_keras.storage.atomic import write_json, write_text

PROBE_METHODS = ("linear", "knn")
DEFAULT_METHODS = (*PROBE_METHODS, "resnet", "finetune", "supervised")
BASELINES = ("untrained", "pixels")


def evaluate(
    run,
    console,
    data=None,
    labels=None,
    budgets=None,
    methods=None,
    seeds=None,
    baselines=BASELINES,
    encoders=(),
    value_range=(0.0, 1.0),
    every_checkpoint=False,
    settings=(),
):
    """Few-label accuracy of a run's encoder against its rivals.

    The same probes are put on the frozen encoder, on the untrained one, on raw
    pixels and on any other encoder; heads and fine-tuning start from the
    encoder, and a network of the same kind is trained from scratch. Everything
    is chosen inside the labelled subset; the examined images are used for the
    final figures only. Finished cells are kept in `evaluation/cells`: an
    interrupted evaluation goes on where it was.

    Args:
        run: Path of the run's folder.
        console: A `rich.console.Console`.
        data: Source with labels; the recipe's if `None`.
        labels: CSV file with a few labelled images, instead of `data`. Without a
            test split in it, figures are cross-validated.
        budgets: List of `Budget`; the recipe's if `None`.
        methods: Any of `METHODS`; if `None`, linear probe and nearest neighbours,
            and with a test split also the three regimes that train networks,
            which five folds would make slow.
        seeds: Number of subsets at each budget; if `None` the recipe's, in
            cross-validation one.
        baselines: What else the probes are put on: any of `BASELINES`.
        encoders: Paths of other encoders, see `foreign_entrant`.
        value_range: Range of their input values.
        every_checkpoint: Whether the probes are put on every checkpoint.
        settings: Files or folders that `tune` wrote: what they found is examined
            on the labels that it was found in, and, unless budgets and methods
            are given, nothing else.

    Returns:
        The records, as written to `evaluation/label_efficiency.json`.

    Raises:
        InputError: If the run, the data, a budget, an encoder or a setting cannot be
            used.
    """
    enable_determinism()
    folder = RunFolder(run)
    recipe = folder.open()
    _check_methods(methods)
    found = load_settings(settings)
    if found and labels:
        raise InputError(f"`--settings` needs a test split to be examined on. Received: --labels {labels}")
    if found and methods is None:
        asked = {"--labels-per-class, --fractions or --subset": budgets, "--seeds": seeds, "--encoder": encoders}
        for option, value in {**asked, "--checkpoints all": every_checkpoint}.items():
            if value:
                raise InputError(f"`{option}` needs `--methods` beside `--settings`. Received: no --methods")
        methods, baselines = (), ()
    step, model = load_last_model(folder)
    foreign = [foreign_entrant(path, recipe.crop, value_range) for path in encoders]
    _check_names([entrant.name for entrant in foreign])
    source, cross_validate = (f"csv:{labels}", True) if labels else (data or recipe.data, False)
    images = open_labelled(recipe, source, cross_validate)
    if methods is None:
        methods = PROBE_METHODS if images.test is None else DEFAULT_METHODS
    if budgets is None:
        budgets = _default_budgets(recipe, images) if methods else []
    cells = Cells(folder.cells / images.digest[:16])
    with ProgressBars(console) as progress:
        sweep = Sweep(images, budgets, seeds or (1 if images.test is None else recipe.label_seeds), cells, progress)
        asked_keys = list(sweep.rounds)
        found_keys = [sweep.add(setting.budget, setting.subset_seed) for setting in found]
        _check_subsets(found, images, sweep.rounds)
        write_json(folder.source_file, {"data": source, "cross_validate": cross_validate})
        _write_subsets(folder, images, sweep.rounds)
        announce(console, images)
        head = functools.partial(build_head, recipe)
        features = folder.evaluation / "features"
        rivals = _rivals(recipe, (*baselines, "untrained") if every_checkpoint else baselines)
        earlier = _earlier(folder, step) if every_checkpoint else ()
        own = cpc_entrant(model, checkpoint=step)
        for entrant, entered in line_up(own, methods, rivals, foreign, earlier):
            for contestant in contestants(entrant, entered, images, features, recipe.crop, head):
                sweep.run(contestant, lambda: folder.write_records(cells), asked_keys)
        before = twin = None
        for setting, key in zip(found, found_keys, strict=True):
            contestant = network(own, setting.regime, images, features, recipe.crop, head, setting)
            alike = (setting.regime, key, setting.setting)  # as where a search kept the default, which comes before it
            sweep.run(contestant, lambda: folder.write_records(cells), [key], twin if alike == before else None)
            before, twin = alike, contestant
    folder.write_records(cells)
    finished = cells.everything()
    records = [record for record, _ in finished]
    results = Results(finished, images.examined_labels, images.figure)
    console.print(label_table(results.at(step), images.figure_name))
    _account(console, sweep, records)
    return records


def _check_subsets(settings, images, rounds):
    """Raises `InputError` unless settings were chosen in the labels of their rounds."""
    for setting in settings:
        (one,) = rounds[setting.budget, setting.subset_seed]
        if digests.of_lines(images.train.ids[position] for position in one.train) != setting.subset:
            raise InputError(
                "`--settings` must have been found in the labels that they are examined on. Received: "
                f"{setting.regime}, {setting.budget}, subset {setting.subset_seed + 1}, of other images"
            )


def _rivals(recipe, baselines):
    """The entrants that `baselines` names."""
    if "untrained" in baselines:
        yield cpc_entrant(build_cpc(recipe), "untrained", 0)
    if "pixels" in baselines:
        yield pixels_entrant()


def _earlier(folder, last):
    """The run's encoder at each checkpoint before the last, but the untrained one."""
    for step in folder.checkpoint_steps():
        if 0 < step < last:
            yield cpc_entrant(load_trained(folder.checkpoint_file(step)), checkpoint=step)


def _check_methods(methods):
    if methods is not None and (not methods or not set(methods) <= set(METHODS)):
        raise InputError(f"`--methods` must be names out of {','.join(METHODS)}. Received: {','.join(methods)}")


def _check_names(names):
    taken = {"cpc", "scratch", *BASELINES}
    if len(set(names)) < len(names) or taken & set(names):
        raise InputError(
            f"`--encoder` must be files of different names, none of them {', '.join(sorted(taken))}. "
            f"Received: {', '.join(names)}"
        )


def _default_budgets(recipe, images):
    """The recipe's; in cross-validation those that leave labels over, and all labels."""
    budgets = recipe_budgets(recipe)
    if images.test is not None:
        return budgets
    return [*(budget for budget in budgets if images.affords(budget)), Budget("fraction", 1.0)]


def _write_subsets(folder, images, rounds):
    hashes: dict[str, str] = {}
    for (budget, seed), folds in rounds.items():
        for number, one in enumerate(folds):
            ids = [images.train.ids[position] for position in one.train]
            fold = f"-fold{number}" if len(folds) > 1 else ""
            name = f"{budget.name}-seed{seed}{fold}.txt"
            write_text(folder.subsets / name, "".join(f"{one}\n" for one in ids))
            hashes[name] = digests.of_lines(ids)
    write_json(folder.subsets / "sha256.json", {**folder.subset_hashes(), **hashes})


def _account(console, sweep, records):
    """What it cost, in labels, trials and time."""
    console.print(
        f"Labels spent: {max(record['labels'] for record in records):,} at most in one cell. Settings tried: "
        f"{sum(record['trials'] for record in records):,} in {len(records)} cells, each inside its own labels."
    )
    console.print(
        f"Time: {sweep.seconds['features']:.0f} s for features, {sweep.seconds['fits']:.0f} s for fits "
        f"of {sweep.computed} new cells."
    )
