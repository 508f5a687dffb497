"""A run's encoder carried over to object detection, beside baselines."""

import contextlib
import dataclasses

from cpc_keras import plots
from cpc_keras.backend.determinism import enable_determinism
from cpc_keras.data.image_set import to_float
from cpc_keras.detection.backbones import open_backbone
from cpc_keras.detection.experiment import (
    BACKBONES,
    DetectorExperiment,
    backbone_label,
    check_result,
    current,
    open_transfer,
    unpacked,
)
from cpc_keras.detection.showing import worth_showing
from cpc_keras.detection.table import backbone_name, detection_table, summarise
from cpc_keras.errors import InputError, printable
from cpc_keras.export import save_detector
from cpc_keras.export.saved_model import MARKS
from cpc_keras.progress import ProgressBars
from cpc_keras.runs.checkpoints import load_last_model
from cpc_keras.runs.folder import RunFolder
from cpc_keras.storage.atomic import write_json, write_text
from cpc_keras.storage.names import table_for_spreadsheet
from cpc_keras.storage.outputs import check_replaceable
from cpc_keras.storage.owner import owned_folder, owned_output
from cpc_keras.storage.results import ResultStore
from cpc_keras.tables import as_code, as_markdown

# Images that are shown with what was found on them.
_SHOWN = 6


def detect(run, recipe, console, backbones=None, name=None, export=None):
    """Trains detectors on a run's encoder and on baselines, and says how well each finds.

    Finished results (a backbone, a fraction of the images, a subset) are kept in the
    run's `detection/NAME`; broken off, the transfer goes on where it was.

    Args:
        run: Path of the run's folder.
        recipe: A `DetectionRecipe`.
        console: A `rich.console.Console`.
        backbones: What detectors stand on, the recipe's if `None`; any of `"cpc"` (the
            run's encoder, fine-tuned), `"cpc_frozen"`, `"scratch"` (the same
            architecture, new weights), `"untrained"` (these, frozen), or the path of
            an exported encoder or `.keras` file, of a supervised classifier say.
        name: Of the folder in `detection`; made of the data's if `None`.
        export: Folder to which the first backbone's detector of the largest fraction goes
            as a SavedModel, or `None`.

    Returns:
        The records, as written to `detection/NAME/results.json`.

    Raises:
        InputError: If the run, the data or a backbone cannot be used, `export` not be
            written, or another process writes into one of the folders.
    """
    enable_determinism()
    if export is not None:
        check_replaceable(export, MARKS, "--export")
    folder = RunFolder(run)
    run_recipe = folder.open()
    step, model = load_last_model(folder)
    backbones = tuple(backbones or recipe.backbones)
    _check_labels(backbones)
    foreign = {one: open_backbone(one, run_recipe.channels) for one in backbones if one not in BACKBONES}
    transfer = open_transfer(recipe, run_recipe.channels)
    recipe = transfer.recipe
    place = folder.detection / (name or _name_of(recipe.data))
    artefact = owned_output(export, "--export") if export is not None else contextlib.nullcontext()
    with owned_folder(place, "RUN"), artefact:
        store = ResultStore(place / "cells", check=check_result)
        _announce(console, transfer, backbones)
        computed: list[tuple] = []
        experiments = []
        with ProgressBars(console) as progress:
            for fraction in recipe.fractions:
                for one in backbones:
                    for seed in range(recipe.of_fraction("seeds", fraction)):
                        backbone = foreign.get(one) or model.encoder
                        experiment = DetectorExperiment(transfer, one, backbone, fraction, seed, step)
                        computed.append(experiment.result(store, place / "models", progress))
                        experiments.append(experiment)
                        everything = _finished(store, transfer, step, computed)
                        write_json(place / "results.json", [record for record, _ in everything])
        summary = summarise(everything, transfer.test)
        write_text(place / "summary.csv", table_for_spreadsheet(summary).to_csv(index=False))
        _draw(console, place, everything, summary, transfer.test)
        console.print(detection_table(summary).rich())
        console.print(_eleven_points(everything))
        write_json(place / "recipe.json", {"recipe": dataclasses.asdict(recipe), "classes": transfer.test.class_names})
        if export is not None:
            largest = max(experiments, key=lambda one: one.fraction)
            with ProgressBars(console) as progress:
                detector = largest.detector(place / "models", progress)
            _export(export, detector, computed[experiments.index(largest)][0], transfer, run_recipe)
            console.print(f"Detector: {export}")
        return [record for record, _ in everything]


def _check_labels(backbones):
    labels = [backbone_label(one) for one in backbones]
    taken = [label for one, label in zip(backbones, labels, strict=True) if one not in BACKBONES and label in BACKBONES]
    if len({label.casefold() for label in labels}) < len(labels) or taken:
        raise InputError(
            f"`--backbone` must be files of different names, in small letters too, none of them "
            f"{', '.join(BACKBONES)}. Received: {', '.join(backbones)}"
        )


def _finished(store, transfer, step, computed):
    """`[(record, detections)]` of every result of this transfer, whichever call computed it."""
    kept = {
        _place(record): (record, unpacked(arrays))
        for record, arrays in ((current(record), arrays) for record, arrays in store.everything())
        if record["transfer"] == transfer.digest and record["checkpoint"] in (None, step)
    }
    kept |= {_place(record): (record, found) for record, found in computed}
    return [kept[place] for place in sorted(kept)]


def _place(record):
    """Where a record stands among others: fractions, then backbones in their order, then subsets."""
    backbone = record["backbone"]
    rank = BACKBONES.index(backbone) if backbone in BACKBONES else len(BACKBONES)
    return record["fraction"], rank, backbone, record["seed"]


def _eleven_points(everything):
    """VOC 2007's own figure, of the largest fraction."""
    largest = max(record["fraction"] for record, _ in everything)
    figures: dict[str, list[float]] = {}
    for record, _ in everything:
        if record["fraction"] == largest:
            figures.setdefault(record["backbone"], []).append(record["map_50_11_points"])
    parts = [f"{backbone_name(backbone)} {100 * sum(values) / len(values):.1f}" for backbone, values in figures.items()]
    return f"By VOC 2007's 11 points, at {largest:.0%}: {', '.join(parts)}."


def _export(dest, detector, record, transfer, run_recipe):
    recipe, test = transfer.recipe, transfer.test
    shown = f"the short side resized to {recipe.short_side} px" if recipe.short_side else "not resized"
    tiled = f", tiles of {recipe.tile} px" if recipe.tile else ""
    pre_trained = f", {run_recipe.encoder} pre-trained on {as_code(run_recipe.data)}"
    own = pre_trained if record["checkpoint"] is not None else ""
    description = {
        "encoder": f"{as_markdown(backbone_name(record['backbone']))}{own}",
        "figure": f"mAP {100 * record['map_50']:.1f} % at an overlap of 0.5 on {len(test):,} images of "
        f"{as_code(test.images.name)}, trained on {record['boxes']:,} boxes",
        "input": {"trained_on": f"{record['images']:,} images of {as_code(recipe.data)}, {shown}{tiled}"},
    }
    save_detector(detector, dest, test.class_names, description)


def _name_of(source):
    """A folder's name for a source."""
    plain = "".join(letter if letter.isalnum() else "_" for letter in source)
    return plain.strip("_")[-60:]


def _draw(console, place, everything, summary, test):
    """Pictures of what the detectors of the largest fraction found, and of how well all of them find."""
    images = range(min(_SHOWN, len(test)))
    largest = max(record["fraction"] for record, _ in everything)
    rows = []
    for record, found in everything:
        if record["fraction"] == largest and record["seed"] == 0:
            shown = [worth_showing(found[image], test.boxes[image], len(test.class_names)) for image in images]
            pictures = [(to_float(test.images.read(image)), *one) for image, one in zip(images, shown, strict=True)]
            rows.append((f"{backbone_name(record['backbone'])}, mAP {100 * record['map_50']:.1f} %", pictures))
    missing = plots.missing_letters([*test.class_names, *(title for title, _ in rows)])
    if missing:
        console.print(f"Note: {missing}")
    plots.found_boxes(rows, test.class_names, place / "detections.png")
    if summary["fraction"].nunique() > 1:
        plots.detection_curve(summary, backbone_name, place / "map.png")


def _announce(console, transfer, backbones):
    train, test, recipe = transfer.train, transfer.test, transfer.recipe
    kind = "tiles" if recipe.tile else "images"
    counts = [f"{len(part):,} {{}} with {sum(map(len, part.boxes)):,} boxes" for part in (train, test)]
    console.print(
        f"{recipe.data}: {counts[0].format(kind)} of {len(train.class_names)} classes, tested on "
        f"{counts[1].format('images')} ({test.images.name}, {test.images.split})."
    )
    console.print(f"Anchors of {', '.join(map(str, recipe.anchor_sizes))} px. Backbones: {', '.join(backbones)}.")
    for part in (train, test):
        for note in part.notes:
            console.print(printable(f"Note: {note}"))
