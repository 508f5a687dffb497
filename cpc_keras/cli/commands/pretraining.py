"""Commands about recipes and pre-training."""

import dataclasses
import pathlib
from typing import Annotated, Literal

import typer

from cpc_keras.cli.arguments import Data, Json, Minutes, Overrides, RecipeName, RunOption
from cpc_keras.cli.checks import open_recipe
from cpc_keras.cli.console import open_console, open_console_and_strategy, plain_console, print_json
from cpc_keras.cli.endings import after_pretraining, say_weight
from cpc_keras.cli.options import within


def pretrain(
    recipe: RecipeName,
    data: Data = None,
    run: RunOption = None,
    strategy: Annotated[
        Literal["one", "mirrored", "multi_worker", "tpu"],
        typer.Option(help="one device, mirrored over this machine's GPUs, multi_worker (as TF_CONFIG says), or tpu."),
    ] = "one",
    minutes: Minutes = None,
    labels: Annotated[
        pathlib.Path | None,
        typer.Option(metavar="CSV", help="A few labelled images, by which a short trial chooses the jitter of folder."),
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Pre-trains an encoder on unlabelled images; run again, it resumes.

    On several replicas patches are compared with those of all of them, and the result is that of one device with the
    same batch size. Short of memory, --set accumulate=4 averages the gradients of four batches into one update. It adds
    no negatives: each batch is still compared within itself. Told to end (SIGTERM), it saves and exits with code 75.
    """
    loaded = open_recipe(recipe, overrides, data, minutes, labelled=labels and f"csv:{labels}")
    console, opened = open_console_and_strategy(strategy)
    from cpc_keras.backend.distribution import is_chief
    from cpc_keras.pretraining.pretrain import pretrain as pretrain_run
    from cpc_keras.runs.folder import RunFolder

    run = run or pathlib.Path("runs") / pathlib.Path(recipe).stem
    pretrain_run(loaded, run, console, opened, may_be_longer=True)
    if is_chief(opened):
        say_weight(run, console)
        console.print(f"Run:  {run}\nNext: {after_pretraining(RunFolder(run), labels)}")


def launch(
    context: typer.Context,
    workers: Annotated[int, typer.Option(help="Processes to start.", callback=within(2, 256))],
) -> None:
    """Starts a command as several workers on this machine: launch --workers 2 pretrain RECIPE ...

    Each gets its place by TF_CONFIG, as a scheduler of a cluster would give it, and --strategy multi_worker. If one
    fails, the others are stopped.
    """
    from cpc_keras.cli.launch import launch as launch_workers

    code = launch_workers(context.args, workers)
    if code:
        raise typer.Exit(code)


def describe(
    recipe: RecipeName,
    data: Data = None,
    accelerator: Annotated[
        str, typer.Option(help="Whose time and memory to state; an unknown name lists all.")
    ] = "a100",
    utilisation: Annotated[
        float, typer.Option(help="Share of its peak that a run reaches.", callback=within(0.01, 1))
    ] = 0.35,
    measure: Annotated[
        bool, typer.Option("--measure/--no-measure", help="Whether to take a few steps, for the time on this machine.")
    ] = True,
    json: Json = False,
    overrides: Overrides = None,
) -> None:
    """Geometry, parameters, cost and warnings of a recipe, before anything is trained."""
    loaded = open_recipe(recipe, overrides, data, check=False)
    from cpc_keras.describing.accelerators import check_accelerator

    check_accelerator(accelerator)
    console = open_console()
    console.quiet = json
    from cpc_keras.describing import describe as describe_recipe

    found = describe_recipe(loaded, console, accelerator, utilisation, measure=measure)
    if json:
        print_json(found)


def fields(
    recipe: Annotated[
        str | None, typer.Argument(metavar="[RECIPE]", help="Whose values to show; the defaults if not given.")
    ] = None,
    detection: Annotated[bool, typer.Option("--detection", help="Those of a recipe for detection.")] = False,
    json: Json = False,
) -> None:
    """Lists what a recipe may set: value, bounds, and what each field is."""
    from cpc_keras.cli.fields import field_list, field_table

    if json:
        print_json(field_list(recipe, detection))
    else:
        plain_console().print(field_table(recipe, detection).rich())


def recipes(json: Json = False) -> None:
    """Lists the recipes that come along, and about how long each takes on this machine."""
    open_console(quiet=True)
    from cpc_keras.describing.recipe_list import listed_recipes, recipe_table

    found = listed_recipes()
    if json:
        print_json([dataclasses.asdict(one) for one in found])
    else:
        console = plain_console()
        console.print(recipe_table(found).rich())
        console.print("Next: cpc-keras describe RECIPE, or cpc-keras pretrain RECIPE --data SOURCE")


def ablate(
    recipe: RecipeName,
    data: Data = None,
    run: RunOption = None,
    labelled: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="Labelled images for the probes; --data if not given.")
    ] = None,
    axes: Annotated[str, typer.Option(help="Axes to add, in order.")] = "MC,BU,LN,RC,HP,LP,PA",
    minutes: Minutes = None,
    overrides: Overrides = None,
) -> None:
    """The ablation of the paper's Figure 3: one axis more at each step, pre-trained equally long.

    A time that is given with --minutes is for the pre-training of all of them.
    """
    from cpc_keras.config.recipe import check_axes

    chosen = tuple(axes.split(","))
    check_axes(chosen)
    loaded = open_recipe(recipe, overrides, data, minutes)
    console = open_console()
    from cpc_keras.pretraining.ablation import ablate as ablate_recipe

    run = run or pathlib.Path("runs") / f"{pathlib.Path(recipe).stem}_ablation"
    ablate_recipe(loaded, run, console, chosen, labelled)
