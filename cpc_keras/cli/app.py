"""The command `cpc-keras`."""

import sys
from typing import Annotated

import typer

from cpc_keras.cli.commands import demo, detection, evaluation, labelling, models, pretraining, runs
from cpc_keras.cli.console import ask_for_debugging, quiet_libraries
from cpc_keras.cli.exit_codes import exit_with
from cpc_keras.cli.options import in_home

app = typer.Typer(
    name="cpc-keras",
    help="Label-efficient image recognition: pre-train on unlabelled images, see how few labels suffice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def every_command(
    context: typer.Context,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks and warnings; as CPC_KERAS_DEBUG=1 does.")
    ] = False,
) -> None:
    """What all commands have in common."""
    if debug:
        ask_for_debugging()
    context.with_resource(quiet_libraries())


app.command()(demo.demo)
app.command()(pretraining.pretrain)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(pretraining.launch)
app.command()(pretraining.describe)
app.command()(pretraining.fields)
app.command()(pretraining.ablate)
app.command()(evaluation.evaluate)
app.command()(labelling.select)
app.command()(labelling.inspect)
app.command()(evaluation.tune)
app.command()(detection.detect)
app.command()(models.export)
app.command()(models.embed)
app.command()(models.predict)
app.command()(models.models)
app.command()(evaluation.report)
app.command()(runs.clean)


def main() -> None:
    """Runs the command."""
    sys.argv[1:] = map(in_home, sys.argv[1:])
    exit_with(app)


if __name__ == "__main__":
    main()
