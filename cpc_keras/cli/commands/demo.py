"""The tour: everything once."""

import pathlib
from typing import Annotated

import typer

from cpc_keras.cli.arguments import Minutes, Overrides
from cpc_keras.cli.checks import open_recipe
from cpc_keras.cli.console import open_console
from cpc_keras.cli.endings import say_weight


def demo(
    run: Annotated[pathlib.Path, typer.Option("--run", help="Folder of the run.")] = pathlib.Path("runs/demo"),
    dest: Annotated[pathlib.Path, typer.Option("--export", help="Where the SavedModel goes.")] = pathlib.Path(
        "saved_models/fashion_mnist"
    ),
    minutes: Minutes = None,
    overrides: Overrides = None,
) -> None:
    """All of it once, on Fashion-MNIST: pre-trains, evaluates, exports and reports; run again, it goes on."""
    recipe = open_recipe("fashion_mnist", overrides, None, minutes)
    console = open_console()
    from cpc_keras.evaluation.evaluate import evaluate as evaluate_run
    from cpc_keras.export.export_run import export as export_run
    from cpc_keras.export.saved_model import MARKS
    from cpc_keras.pretraining.pretrain import pretrain as pretrain_run
    from cpc_keras.report.report import write_report
    from cpc_keras.storage.outputs import check_replaceable

    check_replaceable(dest, MARKS, "--export")
    pretrain_run(recipe, run, console, may_be_longer=True)
    evaluate_run(run, console, methods=("linear", "knn", "supervised"))
    artefact = export_run(run, dest, console, with_head=True)
    page = write_report(run, console)
    console.print(f"Report:     {page}\nSavedModel: {artefact}")
    say_weight(run, console)
    console.print("Next, with images of your own: cpc-keras pretrain folder --data dir:PATH --run runs/mine")
