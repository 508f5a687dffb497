"""The command `cpc-keras`."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from cpc_keras.cli.commands import demo, detection, evaluation, labelling, models, pretraining, runs
from cpc_keras.cli.console import ask_for_debugging, ask_for_quiet, quiet_libraries
from cpc_keras.cli.exit_codes import exit_with
from cpc_keras.cli.groups import GroupedCommands
from cpc_keras.cli.options import in_home, with_options_first
from cpc_keras.cli.version import version_words

# Heading, command, an example of it, and what else Typer is to know.
_LAUNCH = {"context_settings": {"allow_extra_args": True, "ignore_unknown_options": True}}
COMMANDS: tuple[tuple[str, Callable, str, dict], ...] = (
    ("Train", demo.demo, "cpc-keras demo --minutes 3 --run runs/short", {}),
    ("Train", pretraining.pretrain, "cpc-keras pretrain folder --data dir:photos --run runs/mine --minutes 30", {}),
    ("Train", pretraining.launch, "cpc-keras launch --workers 2 pretrain fashion_mnist --run runs/two", _LAUNCH),
    ("Train", pretraining.ablate, "cpc-keras ablate fashion_mnist --minutes 60", {}),
    ("Label", labelling.select, "cpc-keras select runs/mine --count 50", {}),
    ("Label", labelling.inspect, "cpc-keras inspect runs/mine --labels labels.csv", {}),
    ("Look", evaluation.evaluate, "cpc-keras evaluate runs/mine --labels labels.csv --methods linear,propagated", {}),
    ("Look", evaluation.report, "cpc-keras report runs/mine", {}),
    ("Look", pretraining.recipes, "cpc-keras recipes", {}),
    ("Look", pretraining.describe, "cpc-keras describe fashion_mnist --set patch_size=8", {}),
    ("Look", pretraining.fields, "cpc-keras fields folder", {}),
    ("Look", models.models, "cpc-keras models saved_models", {}),
    ("Look", runs.clean, "cpc-keras clean runs/mine", {}),
    ("Use", models.export, "cpc-keras export runs/mine saved_models/mine --with-head", {}),
    ("Use", models.embed, "cpc-keras embed saved_models/mine --data dir:photos --out features.npz", {}),
    ("Use", models.predict, "cpc-keras predict saved_models/mine --data dir:photos --out classes.csv", {}),
    ("Use", detection.detect, "cpc-keras detect runs/demo --recipe garments_faster_rcnn", {}),
    ("Search", evaluation.tune, "cpc-keras tune runs/mine --labels-per-class 10 --regime linear", {}),
)

app = typer.Typer(
    cls=GroupedCommands,
    name="cpc-keras",
    help="Label-efficient image recognition: pre-train on unlabelled images, see how few labels suffice.",
    epilog="Each command has a page of its own: cpc-keras COMMAND --help",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _heading, _command, _example, _more in COMMANDS:
    app.command(rich_help_panel=_heading, epilog=f"\b\nExample:\n  {_example}", **_more)(_command)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(version_words())
        raise typer.Exit


@app.callback()
def every_command(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and end.", callback=_say_version, is_eager=True)
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Say nothing of work that goes well; lists, JSON and errors are printed.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks and warnings; as CPC_KERAS_DEBUG=1 does.")
    ] = False,
) -> None:
    """What all commands have in common."""
    if debug:
        ask_for_debugging()
    if quiet:
        ask_for_quiet()
    context.with_resource(quiet_libraries())


def main() -> None:
    """Runs the command."""
    sys.argv[1:] = with_options_first(map(in_home, sys.argv[1:]), ("--quiet", "--debug"))
    exit_with(app)


if __name__ == "__main__":
    main()
