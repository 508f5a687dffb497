"""Commands about how few labels suffice."""

import pathlib
from typing import Annotated, Literal

import typer

from cpc_keras.cli.arguments import Data, Joint, Json, Run
from cpc_keras.cli.checks import check_run
from cpc_keras.cli.console import open_console, print_json
from cpc_keras.cli.endings import after_evaluation, command_line, say_weight
from cpc_keras.cli.options import budget_numbers, option_numbers, share_of, within
from cpc_keras.config.fields import LARGEST, SOME_SHARE
from cpc_keras.errors import InputError
from cpc_keras.evaluation.methods import (
    JOINT,
    METHODS,
    MINUTES,
    SET_OF_TWO_KINDS,
    TWO_KINDS,
    check_methods,
    default_methods,
)
from cpc_keras.extras import check_installed

# Names of `cpc_keras.evaluation.methods.SEARCHED`.
Searched = Literal["linear", "propagated", "finetune", "resnet", "supervised", Joint]


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
            help=f"Any of {', '.join(METHODS)}; {','.join(default_methods(crossed=True))} with --labels, else "
            f"{','.join(default_methods(crossed=False))}. {TWO_KINDS} stands for {', '.join(SET_OF_TWO_KINDS)}."
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
    select: Annotated[
        Literal["typical", "diverse"] | None,
        typer.Option(help="Beside each label subset that is drawn, try as many images that `select` would choose."),
    ] = None,
    class_shares: Annotated[
        Literal["equal", "labels", "free"] | None,
        typer.Option(
            help="How frequent classes are among the images without labels, for methods that learn from these: "
            "equally, as among the labels, or whatever comes out; labels if they were drawn as a share of all, else "
            "free."
        ),
    ] = None,
    start: Annotated[
        Literal["cpc", "scratch", "both"],
        typer.Option(help=f"Where networks start that learn from unlabelled images, too ({', '.join(JOINT)})."),
    ] = "cpc",
    minutes_per_network: Annotated[
        float | None,
        typer.Option(
            metavar="MINUTES",
            help=f"That each of these may take, in as many steps as fit; {MINUTES:g} with --methods {TWO_KINDS}, else "
            "they have as many steps as the other networks.",
        ),
    ] = None,
    checkpoints: Annotated[
        Literal["last", "all"],
        typer.Option(help="all puts the probes on every checkpoint, the untrained network first."),
    ] = "last",
    json: Json = False,
) -> None:
    """Accuracy with few labels, of the encoder and of baselines; run again, it goes on where it was."""
    numbers = budget_numbers(labels_per_class, fractions)
    value_range = option_numbers("--encoder-range", encoder_range, float)
    if len(value_range) != 2 or value_range[0] >= value_range[1]:
        raise InputError(f"`--encoder-range` must be two numbers, rising. Received: {encoder_range}")
    if data and labels:
        raise InputError(f"`--labels` takes the place of `--data`. Received: --data {data} --labels {labels}")
    chosen = tuple(methods.split(",")) if methods else None
    if minutes_per_network is not None and not minutes_per_network > 0:
        raise InputError(f"`--minutes-per-network` must be positive. Received: {minutes_per_network:g}")
    if chosen == (TWO_KINDS,):
        chosen, minutes_per_network = SET_OF_TWO_KINDS, minutes_per_network or MINUTES
    check_methods(chosen)
    check_run(run, data)
    console = open_console(quiet=json)
    from cpc_keras.data.budgets import Budget, read_list
    from cpc_keras.evaluation.evaluate import evaluate as evaluate_run

    budgets = [Budget(kind, amount) for kind, amount in numbers] + [read_list(path) for path in subset or ()]
    records = evaluate_run(
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
        class_shares=class_shares,
        selection=select,
        start=start,
        minutes_per_network=minutes_per_network,
    )
    if json:
        print_json(records)
        return
    say_weight(run, console)
    console.print(f"Next: {command_line('report', run)}, or {after_evaluation(run)}")


def tune(
    run: Run,
    fraction: Annotated[str | None, typer.Option(help="Label budget as a share, as in 0.01 or 1%.")] = None,
    labels_per_class: Annotated[
        int | None, typer.Option(help="Label budget a class.", callback=within(2, LARGEST))
    ] = None,
    regime: Annotated[
        Searched | None,
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


def report(run: Run) -> None:
    """Draws a run: one HTML page and its pictures."""
    check_run(run)
    console = open_console()
    from cpc_keras.report.report import write_report

    console.print(f"Report: {write_report(run, console)}\nNext: {after_evaluation(run)}")
