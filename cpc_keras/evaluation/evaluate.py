"""How few labels suffice: every method at every label budget, for a run."""

import functools
import itertools

from cpc_keras.backend.determinism import enable_determinism
from cpc_keras.config.build import build_cpc, build_head
from cpc_keras.data.budgets import Budget
from cpc_keras.errors import InputError, printable
from cpc_keras.evaluation.advice import advice
from cpc_keras.evaluation.chosen_labels import Chooser, chosen_budgets
from cpc_keras.evaluation.earlier_results import carried_along, set_aside
from cpc_keras.evaluation.encoders import BASELINES, cpc_encoder, handmade_encoder, load_encoder, pixels_encoder
from cpc_keras.evaluation.findings import choice_words, choices, find, lead, most_accurate
from cpc_keras.evaluation.methods import JOINT, SCRATCH, STARTS, check_methods, default_methods
from cpc_keras.evaluation.networks import estimators, planned_methods, tuned_estimator
from cpc_keras.evaluation.recorded_labels import record_labels, recorded_labels
from cpc_keras.evaluation.results import Results
from cpc_keras.evaluation.run_labels import add_pool, announce, open_labelled, recipe_budgets, result_store
from cpc_keras.evaluation.runner import Runner
from cpc_keras.evaluation.settings import load_settings
from cpc_keras.evaluation.step_budget import make_budget
from cpc_keras.evaluation.table import at_checkpoint, fewer_subsets, label_table
from cpc_keras.progress import ProgressBars
from cpc_keras.runs.checkpoints import BrokenCheckpointError, load_last_model, load_trained
from cpc_keras.runs.folder import RunFolder
from cpc_keras.storage import digests
from cpc_keras.storage.atomic import write_gathered, write_json, write_text
from cpc_keras.storage.names import file_name, written
from cpc_keras.storage.reading import note
from cpc_keras.trackers.results import track_figures

# Label budgets below all labels that a file of them is evaluated at.
_POWERS = 5


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
    class_shares=None,
    selection=None,
    start="cpc",
    minutes_per_network=None,
):
    """Accuracy with few labels, of a run's encoder and of baselines.

    The same probes are put on the frozen encoder, on the untrained one, on raw
    pixels and on any other encoder; heads and fine-tuning start from the
    encoder, and a network of the same kind is trained from scratch. Everything
    is chosen inside the labelled subset; the test images are used for the
    final figures only. Finished results are kept in `evaluation/cells`: an
    interrupted evaluation goes on where it was.

    Args:
        run: Path of the run's folder.
        console: A `rich.console.Console`.
        data: Source with labels; the recipe's if `None`.
        labels: CSV file with a few labelled images, instead of `data`. Without a
            test split in it, figures are cross-validated.
        budgets: List of `Budget`; if `None` the recipe's, and with `labels` what the
            file affords: powers of two, the largest five, and all of it.
        methods: Names of `cpc_keras.evaluation.METHODS`; if `None`, those that
            `METHODS` marks as default; with `labels` without the networks among them,
            which take minutes.
        seeds: Number of subsets at each budget; if `None` the recipe's, in
            cross-validation one.
        baselines: What else the probes are put on: any of `BASELINES`.
        encoders: Paths of other encoders, see `load_encoder`.
        value_range: Range of their input values.
        every_checkpoint: Whether the probes are put on every checkpoint.
        settings: Files or folders that `tune` wrote: what they found is tried
            on the labels that it was found in, and, unless budgets and methods
            are given, nothing else.
        class_shares: How frequent classes are taken to be among images without labels, for
            methods that learn from these: `"equal"`, `"labels"` or `"free"`; `None` as of
            `cpc_keras.evaluation.estimators.ProbeEstimator`.
        selection: Beside label subsets that are drawn, as many images are chosen, one choice
            a seed, without a look at their labels: one of `"typical"` and `"diverse"`; `None`
            chooses none.
        start: Where networks start that learn from labelled and unlabelled images at once: one of
            `cpc_keras.evaluation.methods.STARTS`.
        minutes_per_network: Minutes that each of these may take, in as many steps as fit; if `None`
            they have as many as the others.

    Returns:
        The records, as written to `evaluation/label_efficiency.json`.

    Raises:
        InputError: If the run, the data, a budget, an encoder or a setting cannot be
            used.
    """
    enable_determinism()
    folder = RunFolder(run)
    recipe = folder.open()
    check_methods(methods)
    tuned = load_settings(settings)
    if tuned and labels:
        raise InputError(f"`--settings` needs a test split. Received: --labels {labels}")
    if tuned and methods is None:
        asked = {"--labels-per-class, --fractions or --subset": budgets, "--seeds": seeds, "--encoder": encoders}
        for option, value in {**asked, "--checkpoints all": every_checkpoint}.items():
            if value:
                raise InputError(f"`{option}` needs `--methods` beside `--settings`. Received: no --methods")
        methods, baselines = (), ()
    step, model = load_last_model(folder)
    others = [load_encoder(path, recipe.crop, value_range) for path in encoders]
    _check_names([encoder.name for encoder in others])
    source, cross_validate = (f"csv:{labels}", True) if labels else (data or recipe.data, False)
    console.print(f"Opening {source}.")
    with ProgressBars(console) as progress:
        images = open_labelled(recipe, source, cross_validate, progress)
    if methods is None:
        methods = default_methods(crossed=cross_validate)
    with ProgressBars(console) as progress:
        add_pool(images, recipe, methods, progress)
    if budgets is None:
        afforded = _afforded_budgets(images) if cross_validate else recipe_budgets(recipe)
        budgets = afforded if methods else []
    store = result_store(folder, images)
    features = folder.evaluation / "features"
    own = cpc_encoder(model, checkpoint=step)
    if selection:
        budgets = [*budgets, *chosen_budgets(budgets, selection)]
    with ProgressBars(console) as progress:
        if selection:
            images.choose = Chooser(own, images, recipe.crop, features, store.folder / "choices", progress)
        runner = Runner(images, budgets, seeds or (1 if images.test is None else recipe.label_seeds), store, progress)
        asked_keys = list(runner.splits)
        tuned_keys = [runner.add(setting.budget, setting.subset_seed) for setting in tuned]
        _check_subsets(tuned, images, runner.splits)
        announce(console, images)
        if aside := set_aside(folder, images, source):
            console.print(printable(f"Note: {aside}"))
        head, flip = functools.partial(build_head, recipe), recipe.mirrored_alike
        rivals = list(_baselines(recipe, (*baselines, "untrained") if every_checkpoint else baselines))
        earlier = _steps_before(folder, step) if every_checkpoint else ()

        joint, starts, budget = [name for name in methods if name in JOINT], STARTS[start], None
        if joint:
            budget = make_budget(folder, own.backbone, recipe.crop, minutes_per_network)
            labels = [len(split.train) for splits in runner.splits.values() for split in splits]
            networks = [(name, count) for name in joint for count in labels * len(starts)]
            console.print(budget.words(networks, images.classes), markup=False)

        def estimators_of(planned):
            for encoder, names in planned:
                yield from estimators(encoder, names, images, features, recipe.crop, head, class_shares, flip, budget)

        rows = estimators_of(planned_methods(own, methods, rivals, others, [own] * len(earlier), starts))
        runner.rows = sum(1 for _ in rows) + len(tuned)
        described = {"data": source, "cross_validate": cross_validate, "made_in": folder.place_of_work()}

        @functools.cache
        def take_over():
            """From its first result on the run is one that was evaluated with these labels."""
            _write_subsets(folder, images, runner.splits)
            write_json(folder.source_file, {**described, "rows": runner.rows})
            record_labels(folder, images)

        def save():
            take_over()
            folder.write_records(store)

        wanted = []
        planned = planned_methods(own, methods, rivals, others, _earlier(folder, earlier), starts)
        for estimator in estimators_of(planned):
            wanted += runner.run(estimator, save, asked_keys).values()
        before = earlier_one = None
        for setting, key in zip(tuned, tuned_keys, strict=True):
            estimator = tuned_estimator(own, setting, images, features, recipe.crop, head, class_shares, flip)
            same = (setting.regime, key, setting.setting)  # as where a search kept the default, which comes before it
            wanted += runner.run(estimator, save, [key], earlier_one if same == before else None).values()
            before, earlier_one = same, estimator
    save()
    write_json(folder.source_file, described)
    finished = store.everything()
    records = [record for record, _ in finished]
    results = Results(finished, images.test_labels, images.figure)
    console.print(label_table(results.at(step, chosen=True), images.figure_name).rich())
    for remark in filter(None, (carried_along(at_checkpoint(records, step), wanted), fewer_subsets(results.at(step)))):
        console.print(remark, markup=False)
    findings = find(results, step)
    if any(finding.rival is not None for finding in findings):
        console.print(f"{lead(findings, images.figure_name)} {most_accurate(results.at(step))}", markup=False)
        if not any(finding.verdict == "ahead" for finding in findings):
            console.print(advice(folder), markup=False)
    for one in choices(results, step):
        console.print(choice_words(one), markup=False)
    _account(console, runner, records)
    track_figures(folder, console, at_checkpoint(records, step), step)
    return records


def _check_subsets(settings, images, splits):
    """Raises `InputError` unless settings were chosen in the labels of their splits."""
    for setting in settings:
        (split,) = splits[setting.budget, setting.subset_seed]
        if images.subset_digest(split.train) != setting.subset:
            raise InputError(
                "`--settings` must have been found in the labels that they are tried on. Received: "
                f"{setting.regime}, {setting.budget}, subset {setting.subset_seed + 1}, of other images"
            )


def _baselines(recipe, names):
    """The encoders that names of `BASELINES` stand for."""
    if "untrained" in names:
        yield cpc_encoder(build_cpc(recipe), "untrained", 0)
    if "pixels" in names:
        yield pixels_encoder()
    if "handmade" in names:
        yield handmade_encoder()


def _steps_before(folder, last):
    """Steps of the run's checkpoints before the last, but the untrained one."""
    return [step for step in folder.checkpoint_steps() if 0 < step < last and not folder.unfinished_file(step).exists()]


def _earlier(folder, steps):
    """The run's encoder at checkpoints, one after the other."""
    for step in steps:
        try:
            model = load_trained(folder.checkpoint_file(step))
        except BrokenCheckpointError as error:
            note(f"{error}; it counts as missing.")
        else:
            yield cpc_encoder(model, checkpoint=step)


def _check_names(names):
    taken = {"cpc", SCRATCH, *BASELINES}
    alike = {name.casefold() for name in names}  # as file systems have it that do not tell case
    if len(alike) < len(names) or taken & alike:
        raise InputError(
            f"`--encoder` must be files of different names, in small letters too, none of them "
            f"{', '.join(sorted(taken))}. Received: {', '.join(names)}"
        )


def _afforded_budgets(images):
    """What a file of labels affords: powers of two, the largest of them, and all."""
    powers = (Budget("per_class", 2**power) for power in range(31))
    afforded = list(itertools.takewhile(images.affords, powers))
    return [*afforded[-_POWERS:], Budget("fraction", 1.0)]


def _write_subsets(folder, images, splits):
    """Lists the label subsets; those of other labels go."""
    recorded = recorded_labels(folder)
    if recorded is not None and recorded.digest != images.digest:
        for path in folder.subsets.glob("[!.]*.txt"):
            path.unlink(missing_ok=True)
    for (budget, seed), folds in splits.items():
        for number, split in enumerate(folds):
            ids = [images.train.ids[position] for position in split.train]
            fold = f"-fold{number}" if len(folds) > 1 else ""
            name = f"{file_name(budget.name)}-seed{seed}{fold}.txt"
            write_text(folder.subsets / name, "".join(f"{written(one)}\n" for one in ids))
    write_gathered(
        folder.subsets / "sha256.json",
        lambda: {path.name: digests.of_file(path) for path in sorted(folder.subsets.glob("[!.]*.txt"))},
    )


def _account(console, runner, records):
    """What it cost, in labels, trials and time."""
    console.print(
        f"Labels spent: {max(record['labels'] for record in records):,} at most in one result. Settings tried: "
        f"{sum(record['trials'] for record in records):,} in {len(records)} results, each inside its own labels."
    )
    console.print(
        f"Time: {runner.seconds['features']:.0f} s for features, {runner.seconds['fits']:.0f} s for fits "
        f"of {runner.computed} new results."
    )
