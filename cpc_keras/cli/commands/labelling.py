"""Commands about which images to label."""

import pathlib
from typing import Annotated, Literal

import typer

from cpc_keras.cli.arguments import Run
from cpc_keras.cli.checks import check_run
from cpc_keras.cli.console import open_console
from cpc_keras.cli.endings import command_line
from cpc_keras.cli.options import within
from cpc_keras.config.fields import LARGEST
from cpc_keras.errors import printable


def select(
    run: Run,
    count: Annotated[int, typer.Option(help="Images to choose.", callback=within(1, 100_000))],
    data: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="Where the images are; those of the run if not given.")
    ] = None,
    already: Annotated[
        pathlib.Path | None,
        typer.Option(metavar="CSV", help="Images that are labelled (path,label), whose like need no label more."),
    ] = None,
    by: Annotated[
        Literal["typical", "diverse", "uncertain", "random"],
        typer.Option(
            help="typical for few labels; diverse so that nothing rare is missed; uncertain from some hundreds of "
            "labels on, with --already; random."
        ),
    ] = "typical",
    out: Annotated[
        pathlib.Path | None, typer.Option(metavar="FOLDER", help="What to write; RUN/selection/... if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another one chooses others.", callback=within(0, LARGEST))] = 0,
) -> None:
    """Which images to label next: a list of them, and a page to label them in, offline and by keys."""
    check_run(run, data)
    console = open_console()
    from cpc_keras.curation.select import check_out
    from cpc_keras.curation.select import select as select_images

    check_out(out)
    after = f"{command_line('evaluate', run)} --labels labels.csv"
    page, chosen = select_images(run, count, console, data, already, by, out, seed, after)
    fewer = f" of {count:,} asked for: the others are copies, or labelled" if len(chosen) < count else ""
    console.print(printable(f"Chosen: {len(chosen):,} images{fewer}, in {page.with_name('to_label.csv')}"))
    console.print(printable(f"Next: open {page} in a browser, label, save labels.csv, then {after}"))


def inspect(
    run: Run,
    labels: Annotated[
        pathlib.Path | None,
        typer.Option(metavar="CSV", help="Labelled images (path,label) to examine; those of the source if not given."),
    ] = None,
    data: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="Where the images are; those of the run if not given.")
    ] = None,
    out: Annotated[
        pathlib.Path | None, typer.Option(metavar="FOLDER", help="What to write; RUN/inspection if not given.")
    ] = None,
) -> None:
    """What is odd about images and labels: copies, images unlike all others, labels to look at again."""
    check_run(run, data)
    console = open_console()
    from cpc_keras.curation.inspect import check_out
    from cpc_keras.curation.inspect import inspect as inspect_images

    check_out(out)
    page, found = inspect_images(run, console, data, labels, out)
    copied = sum(map(len, found.copies))
    console.print(f"Copies: {copied:,} images in {len(found.copies):,} groups, each of one picture.")
    console.print(f"Unlike all others: {len(found.unlike):,} images.")
    if found.labelled is None:
        console.print("Labels: none to examine; --labels FILE.csv names some.")
    else:
        console.print(
            f"Labels to look at again: {len(found.doubtful):,} of {found.examined:,}, the most doubtful first."
        )
    console.print(printable(f"Page: {page}, list: {page.with_name('inspection.csv')}"))
    file = f"what is wrong in {labels}" if labels else "what is wrong"
    after = command_line("evaluate", run, *(["--labels", labels] if labels else ()))
    console.print(printable(f"Next: look at the page, correct {file}, then {after}"))
