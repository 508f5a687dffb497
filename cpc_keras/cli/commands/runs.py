"""Commands about folders of runs."""

from cpc_keras.cli.arguments import Run
from cpc_keras.cli.checks import check_run
from cpc_keras.cli.console import plain_console


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
