"""One page that a person enjoys: what came of a run, and with how few labels."""

import dataclasses
import functools

import numpy as np
import pandas as pd

from cpc_keras import plots
from cpc_keras.config.resolve import open_images
from cpc_keras.data.preparation import prepare
from cpc_keras.describing.learning_curve import longer_run
from cpc_keras.errors import InputError
from cpc_keras.evaluation.findings import arrows, choice_words, choices, find, lead
from cpc_keras.evaluation.methods import default_methods
from cpc_keras.evaluation.recorded_labels import recorded_labels
from cpc_keras.evaluation.results import Results
from cpc_keras.evaluation.run_labels import (
    finished_details,
    open_labelled,
    preferred_pooling,
    run_records,
    run_source,
    unfinished,
)
from cpc_keras.evaluation.table import at_checkpoint, drawn_only, fewer_subsets
from cpc_keras.progress import waiting
from cpc_keras.report.confusions import confusion_section
from cpc_keras.report.decisions import decision_sections
from cpc_keras.report.detections import detection_sections
from cpc_keras.report.label_tables import (
    PLAIN_REMARK,
    PUBLISHED_REMARK,
    SECOND_REMARK,
    accuracy_table,
    published_table,
    second_table,
)
from cpc_keras.report.mistakes import mistakes_section
from cpc_keras.report.page import Section, page
from cpc_keras.report.pictures import features_of, picture_sections
from cpc_keras.report.tuning import search_sections
from cpc_keras.runs.checkpoints import load_last_model
from cpc_keras.runs.folder import RunFolder
from cpc_keras.runs.logs import still_falling
from cpc_keras.storage.atomic import write_text
from cpc_keras.storage.names import table_for_spreadsheet
from cpc_keras.storage.owner import owned_folder
from cpc_keras.storage.reading import note
from cpc_keras.trackers.results import track_files

# Images among which neighbours are looked for and points are drawn.
_GALLERY = 2000


def write_report(run, console):
    """Writes `report/index.html`, self-contained, and its pictures and tables.

    What a run has decides what the page shows: without an evaluation there is
    no label curve, with one checkpoint there are no learning dynamics.

    Args:
        run: Path of the run's folder.
        console: A `rich.console.Console`.

    Returns:
        The path of the page.

    Raises:
        InputError: If the run has no checkpoint, or was evaluated by an older version and
            its images are gone.
    """
    folder = RunFolder(run)
    with owned_folder(folder.report, "RUN"), waiting(console, "Drawing the report"):
        path = _write_report(folder, console)
    track_files(folder, console, folder.report, "report")
    return path


def _write_report(folder, console):
    recipe = folder.open()
    step, model = load_last_model(folder)
    metrics = pd.DataFrame(folder.metrics())
    records = at_checkpoint(run_records(folder), step)
    sections, words, notes = [], "This run was not evaluated with labels.", []
    results = labelled = None
    if records:
        labelled, details, images = _evaluated(folder, recipe)
        finished = [(record, arrays["predicted"]) for record, arrays in details]
        notes = [*labelled.notes, *_without_probabilities(folder, details)]
        results = Results(finished, labelled.test_labels, labelled.figure)
        if remark := unfinished(folder):
            console.print(f"Note: {remark}")
        notes = [*notes, *filter(None, (remark, fewer_subsets(results.at(step))))]
        words, found = _label_efficiency(folder, results, details, labelled, step, metrics, images)
        sections += found
    else:
        images = _images_of(recipe, notes)
    class_names = labelled.class_names if labelled else images.class_names if images else None
    missing = plots.missing_letters([*(class_names or ()), *(record["encoder"] for record in records)])
    if missing:
        console.print(f"Note: {missing}")
        notes = [*notes, missing]
    longer = longer_run(recipe, folder.fitted(), in_full=True)
    notes = [*notes, *filter(None, (longer, still_falling(folder.metrics(), recipe.steps)))]
    sections += search_sections(folder, step, results)
    sections += detection_sections(folder)
    if images is not None:
        chosen = np.random.default_rng(recipe.seed).permutation(len(images))[:_GALLERY]
        features = features_of(folder, recipe, model, labelled, images, chosen)[preferred_pooling(records) or "grid2"]
        sections += picture_sections(folder, recipe, model, images.subset(chosen), features)
    if {"step", "loss", "chance"} <= {*metrics.columns}:
        plots.loss_curve(metrics, folder.report / "loss.png")
        sections.append(Section("Pre-training", "loss.png", note=_LOSS_NOTE))
    else:
        note(f"{folder.metrics_file} has no row that can be read; the report shows no loss.")
    if labelled is not None:
        plain = Results(finished, labelled.test_labels)
        if (second := second_table(plain.at(step))) is not None:
            sections.append(Section("Labels propagated by a network", table=second, remark=SECOND_REMARK))
        table = published_table(plain.summary, step)
        remark = f"{PUBLISHED_REMARK} {PLAIN_REMARK}" if labelled.uneven else PUBLISHED_REMARK
        sections.append(Section("Published figures", table=table, remark=remark))
    path = folder.report / "index.html"
    write_text(path, page(folder, recipe, step, words, notes, sections))
    console.print(words)
    return path


def _evaluated(folder, recipe):
    """`(labelled, details, images)`; where the images are gone, or others, their labels as they were recorded."""
    try:
        labelled = open_labelled(recipe, *run_source(folder, recipe))
        details = finished_details(folder, labelled)
    except InputError as error:
        recorded = recorded_labels(folder)
        if recorded is None:
            raise
        recorded.notes.append(_no_pictures(error))
        return recorded, finished_details(folder, recorded), None
    labelled, images = _read_once(labelled)
    return labelled, details, images


def _images_of(recipe, notes):
    """The images of a run that was not evaluated; `None` where they are gone."""
    try:
        images = open_images(recipe)
        return _cached(prepare(images, recipe.channels, recipe.short_side, recipe.max_bad_share))
    except InputError as error:
        notes.append(_no_pictures(error))
        return None


def _no_pictures(error):
    return f"This page shows no images, for they are not there as they were: {error}"


def _without_probabilities(folder, details):
    """A sentence on results of version 0.1, if there are any."""
    former = sum("confidence" not in arrays for _, arrays in details)
    if former:
        yield (
            f"{former:,} of {len(details):,} results are of an earlier version, which kept no probabilities: this page "
            f"has no AUC, calibration, threshold and mistakes of these. They stay as they are; `cpc-keras evaluate` "
            f"computes them anew once {folder.cells} is removed."
        )


def _label_efficiency(folder, results, details, labelled, step, metrics, images):
    """`(lead, sections)` of what was measured with labels."""
    everything, latest, name = results.summary, results.at(step), labelled.figure_name
    records = [record for record, _ in details]
    for file, table in (("label_efficiency.csv", pd.DataFrame(records)), ("summary.csv", everything)):
        write_text(folder.report / file, table_for_spreadsheet(table).to_csv(index=False))
    findings = find(results, step)
    everything_chosen = results.at(step, chosen=True)
    plots.label_curve(everything_chosen, arrows(findings), folder.report / "label_efficiency.png", name)
    sections = [
        Section(
            "How many labels?",
            "label_efficiency.png",
            accuracy_table(everything_chosen, findings, name),
            _CURVE_NOTE + _spent(records),
            " ".join(map(choice_words, choices(results, step))),
        )
    ]
    frozen = everything[
        everything["method"].isin(default_methods(crossed=True)) & (everything["encoder"].isin(["cpc", "untrained"]))
    ]
    if frozen[frozen["encoder"] == "cpc"]["checkpoint"].nunique() > 1:
        online = metrics if "probe_accuracy" in metrics.columns else None  # a balanced accuracy of other images
        plots.learning_dynamics(frozen, online, folder.report / "dynamics.png", name)
        sections.append(Section("Learning dynamics", "dynamics.png", note=_DYNAMICS_NOTE))
    shown = [one for one in details if at_checkpoint(drawn_only([one[0]]), step)]
    best = [_of_finding(shown, finding) for finding in findings]
    if findings:
        sections.append(confusion_section(folder, best, labelled))
    sections += decision_sections(shown, labelled, latest)
    if findings and images is not None:
        sections += filter(None, [mistakes_section(folder, best[-1], labelled, images)])
    words = (
        lead(findings, name)
        if findings
        else f"No method was evaluated on the CPC encoder at step {step:,}; evaluate again."
    )
    return words, sections


_LOSS_NOTE = "Without learning, the loss stays at the dashed line, the logarithm of the number of candidates."
_CURVE_NOTE = (
    "Means over label subsets; bands and brackets go from the lowest to the highest subset, or, where there is one, "
    "are the 95 % interval of the test images. Differences are paired: the same subsets, the same images; their "
    "95 % interval counts both as samples (Student’s t over the subsets). An arrow leads to the number of labels that "
    "the supervised network needs for the same accuracy. What a method chooses (pooling, head, regularisation, "
    "learning rate), it chose inside the labelled subset; which method is best was read off these figures, on both "
    "sides. "
)
_DYNAMICS_NOTE = "The frozen encoder at checkpoints along pre-training, from the untrained network at step 0 on."


def _spent(records):
    methods = {
        record["method"]: max(r["trials"] for r in records if r["method"] == record["method"]) for record in records
    }
    tried = ", ".join(f"{method} {count}" for method, count in methods.items())
    return (
        f"Labels spent in a result: {min(r['labels'] for r in records):,} to {max(r['labels'] for r in records):,}. "
        f"Settings tried in a result: {tried}."
    )


def _of_finding(details, finding):
    """`[(record, arrays)]` of the best method on the CPC encoder, a label subset each."""
    wanted = {"encoder": "cpc", "labels": finding.labels, "method": finding.ours["method"]}
    return [one for one in details if wanted.items() <= {key: one[0][key] for key in wanted}.items()]


def _cached(images):
    """The same images, each decoded once."""
    return dataclasses.replace(images, read=functools.cache(images.read))


def _read_once(labelled):
    """`(labelled, images)`: labelled images whose test images are decoded once, and these."""
    images = _cached(labelled.test_images)
    part = {"train": images} if labelled.test is None else {"test": images}
    return dataclasses.replace(labelled, **part), images
