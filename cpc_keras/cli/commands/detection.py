"""The command for object detection."""

import pathlib
from typing import Annotated

import typer

from cpc_keras.cli.arguments import Overrides, Run
from cpc_keras.cli.checks import check_run
from cpc_keras.cli.console import open_console
from cpc_keras.extras import check_installed


def detect(
    run: Run,
    data: Annotated[
        str | None,
        typer.Option(metavar="SOURCE", help="Images with boxes: voc:PATH or tfds:NAME; the recipe's if none."),
    ] = None,
    test: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="Those to test on, if the data has no split for it.")
    ] = None,
    recipe: Annotated[
        str, typer.Option(metavar="RECIPE", help="Recipe for detection: a file, or the name of one that comes along.")
    ] = "voc2007_faster_rcnn",
    backbone: Annotated[
        list[str] | None,
        typer.Option(
            "--backbone",
            metavar="BACKBONE",
            help="What detectors stand on: cpc, cpc_frozen, scratch, untrained, or a path, of an exported encoder or "
            "of a .keras file (a classifier, say); may be repeated.",
        ),
    ] = None,
    trunk: Annotated[list[str] | None, typer.Option("--trunk", metavar="BACKBONE", hidden=True)] = None,
    exported: Annotated[
        pathlib.Path | None,
        typer.Option("--export", metavar="DEST", help="Folder for the first backbone's detector, as a SavedModel."),
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Faster R-CNN on the run's encoder and on baselines: mean average precision; run again, it resumes."""
    check_installed(("keras_hub", "pycocotools"), "detection", "detect")
    from cpc_keras.config.detection_recipe import DetectionRecipe
    from cpc_keras.config.files import load_recipe, say_former

    given = [f"{name}={value!r}" for name, value in (("data", data), ("test", test)) if value]
    chosen = load_recipe(recipe, [*(overrides or []), *given], DetectionRecipe)
    if trunk:
        say_former("--trunk", "--backbone")
        backbone = [*(backbone or []), *trunk]
    check_run(run)
    console = open_console()
    from cpc_keras.detection.detect import detect as detect_objects

    detect_objects(run, chosen, console, backbone, export=exported)
