"""Commands about folders of runs."""

from cpc_keras.cli.arguments import Json, Run
from cpc_keras.cli.checks import check_run
from cpc_keras.cli.console import plain_console, print_json


def clean(run: Run, json: Json = False) -> None:
    """Says what a run weighs, and frees what is computed again where it is needed: features of images.

    Not while an evaluation of it goes on.
    """
    check_run(run)
    from cpc_keras.runs.cleaning import clean as clean_folder
    from cpc_keras.runs.cleaning import size_text
    from cpc_keras.runs.folder import RunFolder

    cleaned = clean_folder(RunFolder(run))
    if json:
        print_json({"before": cleaned.before, "after": cleaned.after, "freed": cleaned.freed})
        return
    console = plain_console()
    console.print(cleaned.table().rich())
    console.print(f"Freed: {size_text(cleaned.freed)}.")
