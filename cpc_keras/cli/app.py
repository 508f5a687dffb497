"""The command `cpc-keras`."""

import pathlib
import shlex
import sys
from typing import Annotated, Literal

import typer

from cpc_keras.cli.arguments import Data, ImageData, Minutes, Model, Overrides, RecipeName, Run, RunOption
from cpc_keras.cli.checks import check_model, check_run, open_recipe
from cpc_keras.cli.console import (
    ask_for_debugging,
    open_console,
    open_console_and_strategy,
    plain_console,
    quiet_libraries,
)
from cpc_keras.cli.exit_codes import exit_with
from cpc_keras.cli.options import budget_numbers, in_home, option_numbers, share_of, within
from cpc_keras.config.fields import LARGEST, SOME_SHARE
from cpc_keras.errors import InputError
from cpc_keras.evaluation.methods import METHODS, check_methods, default_methods
from cpc_keras.extras import check_installed

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


@app.command()
def demo(
    run: Annotated[pathlib.Path, typer.Option("--run", help="Folder of the run.")] = pathlib.Path("runs/demo"),
    dest: Annotated[pathlib.Path, typer.Option("--export", help="Where the SavedModel goes.")] = pathlib.Path(
        "saved_models/fashion_mnist"
    ),
    minutes: Minutes = None,
    overrides: Overrides = None,
) -> None:
    """The main job on Fashion-MNIST: pre-train, evaluate, export, report."""
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


@app.command()
def pretrain(
    recipe: RecipeName,
    data: Data = None,
    run: RunOption = None,
    strategy: Annotated[
        Literal["one", "mirrored", "multi_worker", "tpu"],
        typer.Option(help="one device, mirrored over this machine's GPUs, multi_worker (as TF_CONFIG says), or tpu."),
    ] = "one",
    minutes: Minutes = None,
    overrides: Overrides = None,
) -> None:
    """Pre-trains an encoder on unlabelled images; run again, it resumes.

    On several replicas patches are compared with those of all of them, and the result is that of one device with the
    same batch size. Short of memory, --set accumulate=4 averages the gradients of four batches into one update. It adds
    no negatives: each batch is still compared within itself. Told to end (SIGTERM), it saves and exits with code 75.
    """
    loaded = open_recipe(recipe, overrides, data, minutes)
    console, opened = open_console_and_strategy(strategy)
    from cpc_keras.backend.distribution import is_chief
    from cpc_keras.pretraining.pretrain import pretrain as pretrain_run
    from cpc_keras.runs.folder import RunFolder

    run = run or pathlib.Path("runs") / pathlib.Path(recipe).stem
    pretrain_run(loaded, run, console, opened, may_be_longer=True)
    if is_chief(opened):
        labels = "" if RunFolder(run).classes_file.is_file() else " --labels FILE.csv"
        console.print(f"Run:  {run}\nNext: {_command('evaluate', run)}{labels}")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
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


@app.command()
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
    overrides: Overrides = None,
) -> None:
    """Geometry, parameters, cost and warnings of a recipe, before anything is trained."""
    loaded = open_recipe(recipe, overrides, data, check=False)
    from cpc_keras.describing.accelerators import check_accelerator

    check_accelerator(accelerator)
    console = open_console()
    from cpc_keras.describing import describe as describe_recipe

    describe_recipe(loaded, console, accelerator, utilisation, measure=measure)


@app.command()
def fields(
    recipe: Annotated[
        str | None, typer.Argument(metavar="[RECIPE]", help="Whose values to show; the defaults if not given.")
    ] = None,
    detection: Annotated[bool, typer.Option("--detection", help="Those of a recipe for detection.")] = False,
) -> None:
    """Lists what a recipe may set: value, bounds, and what each field is."""
    from cpc_keras.cli.fields import field_table

    plain_console().print(field_table(recipe, detection).rich())


@app.command()
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


@app.command()
def evaluate(
    run: Run,
    data: Data = None,
    labels: Annotated[
        pathlib.Path | None,
        typer.Option(
            metavar="CSV", help="A few labelled images (path,label[,split]); cross-validated if no split is a test."
        ),
    ] = None,
    labels_per_class: Annotated[str | None, typer.Option(help="Label budgets a class, as in 5,10,60.")] = None,
    fractions: Annotated[str | None, typer.Option(help="Label budgets as shares, as in 0.01,0.1 or 1%,10%.")] = None,
    subset: Annotated[
        list[pathlib.Path] | None,
        typer.Option(metavar="FILE", help="A label list of your own, one image a line; may be repeated."),
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option(
            help=f"Any of {','.join(METHODS)}; {','.join(default_methods(crossed=True))} with --labels, else "
            f"{','.join(default_methods(crossed=False))}."
        ),
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Label subsets at each budget.", callback=within(1, 10_000))] = None,
    encoder: Annotated[
        list[pathlib.Path] | None,
        typer.Option(metavar="MODEL", help="Another encoder, a .keras file or SavedModel folder; may be repeated."),
    ] = None,
    encoder_range: Annotated[str, typer.Option(help="Range of the other encoders' input values.")] = "0,1",
    settings: Annotated[
        list[pathlib.Path] | None,
        typer.Option(metavar="FILE", help="What tune found, a file or folder; may be repeated."),
    ] = None,
    checkpoints: Annotated[
        Literal["last", "all"],
        typer.Option(help="all puts the probes on every checkpoint, the untrained network first."),
    ] = "last",
) -> None:
    """Few-label accuracy of the encoder against its rivals; run again, it goes on where it was."""
    numbers = budget_numbers(labels_per_class, fractions)
    value_range = option_numbers("--encoder-range", encoder_range, float)
    if len(value_range) != 2 or value_range[0] >= value_range[1]:
        raise InputError(f"`--encoder-range` must be two numbers, rising. Received: {encoder_range}")
    if data and labels:
        raise InputError(f"`--labels` takes the place of `--data`. Received: --data {data} --labels {labels}")
    chosen = tuple(methods.split(",")) if methods else None
    check_methods(chosen)
    check_run(run, data)
    console = open_console()
    from cpc_keras.data.budgets import Budget, read_list
    from cpc_keras.evaluation.evaluate import evaluate as evaluate_run

    budgets = [Budget(kind, amount) for kind, amount in numbers] + [read_list(path) for path in subset or ()]
    evaluate_run(
        run,
        console,
        data=data,
        labels=labels,
        budgets=budgets or None,
        methods=chosen,
        seeds=seeds,
        encoders=encoder or (),
        value_range=tuple(value_range),
        every_checkpoint=checkpoints == "all",
        settings=settings or (),
    )
    console.print(f"Next: {_command('report', run)}, or {_command('export', run, 'saved_models/mine')} --with-head")


@app.command()
def tune(
    run: Run,
    fraction: Annotated[str | None, typer.Option(help="Label budget as a share, as in 0.01 or 1%.")] = None,
    labels_per_class: Annotated[
        int | None, typer.Option(help="Label budget a class.", callback=within(2, LARGEST))
    ] = None,
    regime: Annotated[
        Literal["linear", "finetune", "resnet", "supervised"] | None,
        typer.Option(help="What classifier; linear if not given."),
    ] = None,
    tuner: Annotated[
        Literal["random", "bayesian", "hyperband", "grid"], typer.Option(help="How settings are proposed.")
    ] = "random",
    trials: Annotated[
        int,
        typer.Option(
            help="Settings to try, beside the default; hyperband makes whole sweeps of them.",
            callback=within(1, 100_000),
        ),
    ] = 30,
    seed: Annotated[int, typer.Option(help="Number of the label subset, from 0.", callback=within(0, LARGEST))] = 0,
    what: Annotated[
        Literal["classifier", "pretraining"], typer.Option(help="A classifier, or the pre-training of its encoder.")
    ] = "classifier",
    steps: Annotated[
        int | None, typer.Option(help="Of a trial of pre-training; 500 if not given.", callback=within(1, LARGEST))
    ] = None,
    data: Data = None,
    name: Annotated[str | None, typer.Option(help="Of the folder in RUN/tuning.")] = None,
) -> None:
    """Searches hyperparameters inside a few labels; run again, it goes on where it was."""
    check_installed(("keras_tuner", "tensorboard"), "tuning", "tune")
    numbers = [("per_class", labels_per_class)] if labels_per_class else []
    numbers += [("fraction", share) for share in option_numbers("--fraction", fraction, share_of, SOME_SHARE)]
    if what == "pretraining" and regime:
        raise InputError(f"`--regime` is for classifiers. Received: --regime {regime} with --what pretraining")
    if what == "classifier" and steps:
        raise InputError(f"`--steps` is for --what pretraining. Received: --steps {steps}")
    if len(numbers) != 1:
        raise InputError(
            "`--fraction` or `--labels-per-class` must name one label budget. "
            f"Received: --fraction {fraction}, --labels-per-class {labels_per_class}"
        )
    check_run(run, data)
    console = open_console()
    from cpc_keras.data.budgets import Budget
    from cpc_keras.tuning.search import tune as tune_classifier
    from cpc_keras.tuning.search import tune_pretraining

    budget = Budget(*numbers[0])
    if what == "pretraining":
        tune_pretraining(run, console, budget, steps or 500, tuner, trials, seed, data, name)
    else:
        tune_classifier(run, console, budget, regime or "linear", tuner, trials, seed, data, name)


@app.command()
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
            "--trunk",  # its name in version 0.1
            metavar="BACKBONE",
            help="What detectors stand on: cpc, cpc_frozen, scratch, untrained, or a path, of an exported encoder or "
            "of a .keras file (a classifier, say); may be repeated.",
        ),
    ] = None,
    exported: Annotated[
        pathlib.Path | None,
        typer.Option("--export", metavar="DEST", help="Folder for the first backbone's detector, as a SavedModel."),
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Faster R-CNN on the run's encoder and on rivals: mean average precision; run again, it goes on where it was."""
    check_installed(("keras_hub", "pycocotools"), "detection", "detect")
    from cpc_keras.config.detection_recipe import DetectionRecipe
    from cpc_keras.config.files import load_recipe

    given = [f"{name}={value!r}" for name, value in (("data", data), ("test", test)) if value]
    chosen = load_recipe(recipe, [*(overrides or []), *given], DetectionRecipe)
    check_run(run)
    console = open_console()
    from cpc_keras.detection.detect import detect as detect_objects

    detect_objects(run, chosen, console, backbone, export=exported)


@app.command()
def export(
    run: Run,
    dest: Annotated[pathlib.Path, typer.Argument(metavar="DEST", help="Folder to write; a file for other formats.")],
    with_head: Annotated[
        bool, typer.Option("--with-head", help="Add a linear classifier, trained on the largest label budget.")
    ] = False,
    kind: Annotated[
        Literal["saved_model", "onnx", "litert"], typer.Option("--format", help="Of what is written.")
    ] = "saved_model",
) -> None:
    """Writes the encoder as a SavedModel with a model card, or as one file for ONNX Runtime or LiteRT."""
    check_run(run)
    console = open_console()
    from cpc_keras.export.export_run import export as export_run

    console.print(f"Exported: {export_run(run, dest, console, with_head, kind)}")


@app.command()
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


@app.command()
def predict(
    model: Model,
    data: ImageData,
    out: Annotated[pathlib.Path, typer.Option(metavar="FILE", help="CSV file to write: path, class, probability.")],
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Add a column a class, p(CLASS), with its probability.")
    ] = False,
) -> None:
    """Class of every image of a source, by a model that was exported with a head."""
    check_model(model, data)
    console = open_console()
    from cpc_keras.export.embed import predict as predict_images

    predict_images(model, data, out, console, probabilities)


@app.command()
def models(
    folder: Annotated[pathlib.Path, typer.Argument(metavar="FOLDER", help="Where exported models lie.")] = pathlib.Path(
        "saved_models"
    ),
) -> None:
    """Lists exported models with their figures."""
    from cpc_keras.export.index import model_table

    plain_console().print(model_table(folder).rich())


@app.command()
def report(run: Run) -> None:
    """Draws a run: one HTML page and its pictures."""
    check_run(run)
    console = open_console()
    from cpc_keras.report.report import write_report

    console.print(f"Report: {write_report(run, console)}")


@app.command()
def clean(run: Run) -> None:
    """Says what a run weighs, and frees what is computed again where it is needed: features of images.

    Not while an evaluation of it goes on.
    """
    check_run(run)
    from cpc_keras.runs.cleaning import clean as clean_folder
    from cpc_keras.runs.cleaning import size_text
    from cpc_keras.runs.folder import RunFolder

    table, freed = clean_folder(RunFolder(run))
    console = plain_console()
    console.print(table.rich())
    console.print(f"Freed: {size_text(freed)}.")


def _command(*words):
    return f"cpc-keras {shlex.join(map(str, words))}"


def main() -> None:
    """Runs the command."""
    sys.argv[1:] = map(in_home, sys.argv[1:])
    exit_with(app)


if __name__ == "__main__":
    main()
