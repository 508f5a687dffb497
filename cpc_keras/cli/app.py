"""The command `cpc-keras`."""

import pathlib
import shlex
from typing import Annotated

import typer

from cpc_keras.cli.console import open_console, open_console_and_strategy, plain_console
from cpc_keras.cli.exit_codes import exit_with
from cpc_keras.cli.options import budget_numbers, option_numbers
from cpc_keras.errors import InputError
from cpc_keras.extras import check_installed

app = typer.Typer(
    name="cpc-keras",
    help="Label-efficient image recognition: pre-train on unlabelled images, see how few labels suffice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Run = Annotated[pathlib.Path, typer.Argument(metavar="RUN", help="Folder of a run.")]
RecipeName = Annotated[str, typer.Argument(metavar="RECIPE", help="Recipe file, or the name of one that comes along.")]
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
Minutes = Annotated[
    float | None,
    typer.Option(help="Time for pre-training: as many steps as fit, at most the recipe's. As --set minutes=."),
]
RunOption = Annotated[pathlib.Path | None, typer.Option("--run", help="Folder of the run; runs/RECIPE if not given.")]


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
    console = open_console()
    from cpc_keras.evaluation.evaluate import evaluate as evaluate_run
    from cpc_keras.export.export_run import export as export_run
    from cpc_keras.pretraining.pretrain import pretrain as pretrain_run
    from cpc_keras.report.report import write_report

    pretrain_run(_recipe("fashion_mnist", overrides, None, minutes), run, console)
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
        str,
        typer.Option(
            help="one device, mirrored over this machine's GPUs, multi_worker (as TF_CONFIG says), or tpu.",
            metavar="one|mirrored|multi_worker|tpu",
        ),
    ] = "one",
    minutes: Minutes = None,
    overrides: Overrides = None,
) -> None:
    """Pre-trains an encoder on unlabelled images; run again, it resumes.

    On several replicas patches are compared with those of all of them, and the result is that of one device with the
    same batch size. Short of memory, --set accumulate=4 averages the gradients of four batches into one update. It adds
    no negatives: each batch is still compared within itself. Told to end (SIGTERM), it saves and exits with code 75.
    """
    console, opened = open_console_and_strategy(strategy)
    from cpc_keras.backend.distribution import is_chief
    from cpc_keras.pretraining.pretrain import pretrain as pretrain_run
    from cpc_keras.runs.folder import RunFolder

    run = run or pathlib.Path("runs") / pathlib.Path(recipe).stem
    pretrain_run(_recipe(recipe, overrides, data, minutes), run, console, opened)
    if is_chief(opened):
        labels = "" if RunFolder(run).classes_file.is_file() else " --labels FILE.csv"
        console.print(f"Run:  {run}\nNext: cpc-keras evaluate {shlex.quote(str(run))}{labels}")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def launch(
    context: typer.Context,
    workers: Annotated[int, typer.Option(help="Processes to start.", min=2)],
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
    utilisation: Annotated[float, typer.Option(help="Share of its peak that a run reaches.", min=0.01, max=1.0)] = 0.35,
    measure: Annotated[
        bool, typer.Option("--measure/--no-measure", help="Whether to take a few steps, for the time on this machine.")
    ] = True,
    overrides: Overrides = None,
) -> None:
    """Geometry, parameters, cost and warnings of a recipe, before anything is trained."""
    console = open_console()
    from cpc_keras.describing import describe as describe_recipe

    describe_recipe(_recipe(recipe, overrides, data), console, accelerator, utilisation, measure=measure)


@app.command()
def ablate(
    recipe: RecipeName,
    data: Data = None,
    run: RunOption = None,
    labelled: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="Labelled images for the probes; --data if not given.")
    ] = None,
    axes: Annotated[str, typer.Option(help="Axes to climb, in order.")] = "MC,BU,LN,RC,HP,LP,PA",
    minutes: Minutes = None,
    overrides: Overrides = None,
) -> None:
    """The ladder of the paper's Figure 3: one axis more at each rung, at equal steps.

    A time that is given with --minutes is for the pre-training of all rungs.
    """
    console = open_console()
    from cpc_keras.pretraining.ablation import ablate as ablate_recipe

    run = run or pathlib.Path("runs") / f"{pathlib.Path(recipe).stem}_ablation"
    ablate_recipe(_recipe(recipe, overrides, data, minutes), run, console, tuple(axes.split(",")), labelled)


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
            help="Any of knn,linear,linear_v1,linear_v2,resnet,finetune,supervised; linear,knn with --labels, else "
            "linear,knn,resnet,finetune,supervised."
        ),
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Label subsets at each budget.", min=1)] = None,
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
        str, typer.Option(help="last, or all: the probes at every checkpoint, from the untrained network on.")
    ] = "last",
) -> None:
    """Few-label accuracy of the encoder against its rivals; run again, it goes on where it was."""
    numbers = budget_numbers(labels_per_class, fractions)
    value_range = option_numbers("--encoder-range", encoder_range, float)
    if len(value_range) != 2:
        raise InputError(f"`--encoder-range` must be two numbers. Received: {encoder_range}")
    if checkpoints not in ("last", "all"):
        raise InputError(f"`--checkpoints` must be last or all. Received: {checkpoints}")
    if data and labels:
        raise InputError(f"`--labels` takes the place of `--data`. Received: --data {data} --labels {labels}")
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
        methods=tuple(methods.split(",")) if methods else None,
        seeds=seeds,
        encoders=encoder or (),
        value_range=tuple(value_range),
        every_checkpoint=checkpoints == "all",
        settings=settings or (),
    )


@app.command()
def tune(
    run: Run,
    fraction: Annotated[str | None, typer.Option(help="Label budget as a share, as in 0.01 or 1%.")] = None,
    labels_per_class: Annotated[int | None, typer.Option(help="Label budget a class.", min=2)] = None,
    regime: Annotated[
        str | None,
        typer.Option(help="What classifier; linear if not given.", metavar="linear|resnet|finetune|supervised"),
    ] = None,
    tuner: Annotated[
        str, typer.Option(help="How settings are proposed.", metavar="random|bayesian|hyperband|grid")
    ] = "random",
    trials: Annotated[
        int, typer.Option(help="Settings to try, beside the default; hyperband makes whole sweeps of them.", min=1)
    ] = 30,
    seed: Annotated[int, typer.Option(help="Number of the label subset, from 0.", min=0)] = 0,
    what: Annotated[
        str, typer.Option(help="A classifier, or the pre-training of its encoder.", metavar="classifier|pretraining")
    ] = "classifier",
    steps: Annotated[int | None, typer.Option(help="Of a trial of pre-training; 500 if not given.", min=1)] = None,
    data: Data = None,
    name: Annotated[str | None, typer.Option(help="Of the folder in RUN/tuning.")] = None,
) -> None:
    """Searches hyperparameters inside a few labels; run again, it goes on where it was."""
    check_installed(("keras_tuner", "tensorboard"), "tuning", "tune")
    numbers = budget_numbers(str(labels_per_class) if labels_per_class else None, fraction)
    if what not in ("classifier", "pretraining"):
        raise InputError(f"`--what` must be classifier or pretraining. Received: {what}")
    if what == "pretraining" and regime:
        raise InputError(f"`--regime` is for classifiers. Received: --regime {regime} with --what pretraining")
    if what == "classifier" and steps:
        raise InputError(f"`--steps` is for --what pretraining. Received: --steps {steps}")
    if len(numbers) != 1:
        raise InputError(
            "`--fraction` or `--labels-per-class` must name one label budget. "
            f"Received: --fraction {fraction}, --labels-per-class {labels_per_class}"
        )
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
        str | None, typer.Option(metavar="SOURCE", help="Those to be examined on, if the data has no split for it.")
    ] = None,
    recipe: Annotated[
        str, typer.Option(metavar="RECIPE", help="Recipe for detection: a file, or the name of one that comes along.")
    ] = "voc2007_faster_rcnn",
    trunk: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TRUNK",
            help="What detectors stand on: cpc, cpc_frozen, scratch, untrained, or a path, of an exported encoder or "
            "of a .keras file (a classifier, say); may be repeated.",
        ),
    ] = None,
    exported: Annotated[
        pathlib.Path | None,
        typer.Option("--export", metavar="DEST", help="Folder for the first trunk's detector, as a SavedModel."),
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Faster R-CNN on the run's encoder and on rivals: mean average precision; run again, it goes on where it was."""
    check_installed(("keras_hub", "pycocotools"), "detection", "detect")
    console = open_console()
    from cpc_keras.config.detection_recipe import DetectionRecipe
    from cpc_keras.config.files import load_recipe
    from cpc_keras.detection.detect import detect as detect_objects

    given = [f"{name}={value!r}" for name, value in (("data", data), ("test", test)) if value]
    chosen = load_recipe(recipe, [*(overrides or []), *given], DetectionRecipe)
    detect_objects(run, chosen, console, trunk, export=exported)


@app.command()
def export(
    run: Run,
    dest: Annotated[pathlib.Path, typer.Argument(metavar="DEST", help="Folder to write; a file for other formats.")],
    with_head: Annotated[
        bool, typer.Option("--with-head", help="Add a linear classifier, trained on the largest label budget.")
    ] = False,
    kind: Annotated[str, typer.Option("--format", help="saved_model, onnx or litert.")] = "saved_model",
) -> None:
    """Writes the encoder as a SavedModel with a model card, or as one file for ONNX Runtime or LiteRT."""
    console = open_console()
    from cpc_keras.export.export_run import export as export_run
    from cpc_keras.export.other_formats import FORMATS

    if kind not in ("saved_model", *FORMATS):
        raise InputError(f"`--format` must be saved_model, {' or '.join(FORMATS)}. Received: {kind}")
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
    console = open_console()
    from cpc_keras.export.embed import embed as embed_images

    embed_images(model, data, out, console, signature)


@app.command()
def predict(
    model: Model,
    data: ImageData,
    out: Annotated[pathlib.Path, typer.Option(metavar="FILE", help="CSV file to write: path, class, probability.")],
) -> None:
    """Class of every image of a source, by a model that was exported with a head."""
    console = open_console()
    from cpc_keras.export.embed import predict as predict_images

    predict_images(model, data, out, console)


@app.command()
def models(
    folder: Annotated[pathlib.Path, typer.Argument(metavar="FOLDER", help="Where exported models lie.")] = pathlib.Path(
        "saved_models"
    ),
) -> None:
    """Lists exported models with their figures."""
    from cpc_keras.export.index import model_table

    plain_console().print(model_table(folder))


@app.command()
def report(run: Run) -> None:
    """Draws a run: one HTML page and its pictures."""
    console = open_console()
    from cpc_keras.report.report import write_report

    console.print(f"Report: {write_report(run, console)}")


def _recipe(name, overrides, data, minutes=None):
    from cpc_keras.config.files import load_recipe

    given = {"data": data, "minutes": minutes}
    chosen = [f"{key}={value!r}" for key, value in given.items() if value is not None]
    return load_recipe(name, [*(overrides or []), *chosen])


def main() -> None:
    """Runs the command."""
    exit_with(app)


if __name__ == "__main__":
    main()
