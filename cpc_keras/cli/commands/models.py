"""Commands about exported models."""

import pathlib
from typing import Annotated, Literal

import typer

from cpc_keras.cli.arguments import ImageData, Joint, Json, Model, Run
from cpc_keras.cli.checks import check_model, check_run
from cpc_keras.cli.console import open_console, plain_console, print_json
from cpc_keras.cli.endings import command_line
from cpc_keras.cli.options import within
from cpc_keras.errors import InputError, printable

# Names of `cpc_keras.evaluation.methods.EXPORTED`.
Exported = Literal["linear", "propagated", "finetune", Joint]


def export(
    run: Run,
    dest: Annotated[pathlib.Path, typer.Argument(metavar="DEST", help="Folder to write; a file for other formats.")],
    with_head: Annotated[
        bool, typer.Option("--with-head", help="Add a classifier, trained on the largest label budget.")
    ] = False,
    classifier: Annotated[
        Exported | None,
        typer.Option(help="Which, of the methods that the run was evaluated with; linear if not given."),
    ] = None,
    kind: Annotated[
        Literal["saved_model", "onnx", "litert"], typer.Option("--format", help="Of what is written.")
    ] = "saved_model",
) -> None:
    """Writes the encoder as a SavedModel with a model card, or as one file for ONNX Runtime or LiteRT."""
    if classifier and not with_head:
        raise InputError(f"`--classifier` is for --with-head. Received: --classifier {classifier} without")
    check_run(run)
    console = open_console()
    from cpc_keras.export.export_run import export as export_run

    console.print(f"Exported: {export_run(run, dest, console, with_head, kind, classifier or 'linear')}")
    if kind == "saved_model":
        command, out = ("predict", "classes.csv") if with_head else ("embed", "features.npz")
        console.print(f"Next: {command_line(command, dest)} --data dir:PATH --out {out}")


def embed(
    model: Model,
    data: ImageData,
    out: Annotated[pathlib.Path, typer.Option(metavar="FILE", help="File to write, .npz or .parquet.")],
    signature: Annotated[str, typer.Option(help="What the model is asked for; its card lists the names.")] = (
        "serving_default"
    ),
) -> None:
    """Features of every image of a source, by an exported model; run again, it goes on where it was."""
    check_model(model, data)
    console = open_console()
    from cpc_keras.export.embed import embed as embed_images

    embed_images(model, data, out, console, signature)
    reader = "numpy.load" if out.suffix == ".npz" else "pandas.read_parquet"
    console.print(printable(f"Next, in Python: {reader}({str(out)!r})"))


def predict(
    model: Model,
    data: ImageData,
    out: Annotated[pathlib.Path, typer.Option(metavar="FILE", help="CSV file to write: path, class, probability.")],
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Add a column a class, p(CLASS), with its probability.")
    ] = False,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Of two classes, the probability of the second one from which on it is written; the likelier if none.",
            callback=within(0, 1),
        ),
    ] = None,
) -> None:
    """Class of every image of a source, by a model that was exported with a head."""
    check_model(model, data)
    console = open_console()
    from cpc_keras.export.predict import predict as predict_images

    predict_images(model, data, out, console, probabilities, threshold)
    console.print(printable(f"Next, in Python: pandas.read_csv({str(out)!r})"))


def models(
    folder: Annotated[pathlib.Path, typer.Argument(metavar="FOLDER", help="Where exported models lie.")] = pathlib.Path(
        "saved_models"
    ),
    json: Json = False,
) -> None:
    """Lists exported models with their figures."""
    from cpc_keras.export.index import model_list, model_table

    if json:
        print_json(model_list(folder))
        return
    plain_console().print(model_table(folder).rich())
