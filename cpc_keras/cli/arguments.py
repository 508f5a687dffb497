"""Arguments and options that several commands have."""

import pathlib
from typing import Annotated, Literal

import typer

from cpc_keras.cli.options import within
from cpc_keras.config.fields import LARGEST


def recipe_names(incomplete: str) -> list[str]:
    """Names of recipes that begin so, for a shell that completes a line."""
    from cpc_keras.config.files import recipe_files

    return [path.stem for path in recipe_files() if path.stem.startswith(incomplete)]


# Names of `cpc_keras.evaluation.methods.JOINT`.
Joint = Literal[
    "pseudo_label",
    "vat",
    "vat_entropy",
    "uda",
    "fixmatch",
    "rotation_joint",
    "exemplar_joint",
    "rotation_vat_entropy",
]
Run = Annotated[pathlib.Path, typer.Argument(metavar="RUN", help="Folder of a run.")]
RecipeName = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE", help="Recipe file, or the name of one that comes along.", autocompletion=recipe_names
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        metavar="SOURCE", help="tfds:NAME, dir:PATH, classes:PATH, csv:FILE or voc:PATH; instead of the recipe's."
    ),
]
Overrides = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Replaces a recipe's field.")]
Model = Annotated[pathlib.Path, typer.Argument(metavar="MODEL", help="Folder of an exported model.")]
ImageData = Annotated[
    str,
    typer.Option("--data", metavar="SOURCE", help="Images: tfds:NAME, dir:PATH, classes:PATH, csv:FILE or voc:PATH."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs, and nothing else.")]
Minutes = Annotated[
    float | None,
    typer.Option(
        help="Time for pre-training: as many steps as fit, at most the recipe's. As --set minutes=.",
        callback=within(0, LARGEST),
    ),
]
RunOption = Annotated[pathlib.Path | None, typer.Option("--run", help="Folder of the run; runs/RECIPE if not given.")]
