"""The folder of a search: what it searches, and what it tried."""

import pandas as pd

from cpc_keras.errors import InputError
from cpc_keras.storage.atomic import write_json
from cpc_keras.storage.reading import check_kinds, note, read_json, readable


def settle(place, search):
    """Keeps what is searched, or refuses a folder of another search.

    Args:
        place: The folder.
        search: As for `refuse_another`, with the number of `"labels"` and a
            `"digest"` of images, labels and weights.

    Raises:
        InputError: As `refuse_another`.
    """
    refuse_another(place, search)
    write_json(place / "search.json", search)


def refuse_another(place, search):
    """Raises `InputError` if a folder is that of another search.

    Args:
        place: The folder, which need not exist.
        search: A dictionary with `"budget"`, `"subset"` and what else decides about
            the search, as far as it is known.
    """
    before = read_json(place / "search.json", _check_search)
    if before is None:
        return
    # A random search goes on where a shorter one ended.
    longer = search["tuner"] == "random" and before.get("trials", 0) < search["trials"]
    differing = [name for name in search if search[name] != before.get(name) and not (name == "trials" and longer)]
    if differing:
        first = differing[0]
        reason = f"{first} {before.get(first)} there, {search[first]} here"
        if first == "digest":
            reason = "of other images, labels, folds, steps or weights"
        raise InputError(
            f"`--name` must be that of a new search, or of one of the same kind. Received: {place} ({reason})"
        )


def search_words(search):
    """A search in words, as its file tells of it.

    Example:

    >>> search_words({"regime": "linear", "budget": "5 a class", "subset": 0})
    'linear, 5 a class, subset 1'
    """
    what = search.get("regime") or f"pre-training, {search['steps']:,} steps a trial"
    return f"{what}, {search['budget']}, subset {search['subset'] + 1}"


def finished_searches(folder):
    """`[(search, table, place)]` of the searches of a run that have come to an end.

    What cannot be read of one is said; `cpc-keras tune`, run again, writes it again of
    the trials that are there.

    Args:
        folder: Where they lie, a folder each.
    """
    found = []
    for file in sorted(folder.glob("*/trials.csv")):
        search, table = read_json(file.parent / "search.json", _check_search), readable(file, _read_table)
        if search is not None and table is not None:
            found.append((search, table, file.parent))
        elif search is None:
            note(f"{file.parent} has no search.json to be read, and is left out.")
    return found


def _check_search(search):
    check_kinds(search, budget=str, subset=int, tuner=str, labels=int)
    check_kinds(search, **({"regime": str} if "regime" in search else {"steps": int}))


def _read_table(file):
    """The trials of a search; raises an error if one of them, or a column, is not whole."""
    table = pd.read_csv(file).rename(columns={"judged": "held_out"})  # its name in version 0.1
    figures = ["trial", "share", "held_out", "score", "balanced_accuracy", "lead", "error"]
    table[figures[1:]].astype("float64")
    if table[figures].isna().any(axis=None) or table["trial"].iloc[0] != "default" or not len(best_first(table)):
        raise ValueError("it has a trial without figures, or no default")
    return table


def best_first(table):
    """The trials that were trained to the end, the best first; a part of a training says little of a whole one.

    Args:
        table: A `pandas.DataFrame` with a row a trial, the default first, see
            `cpc_keras.tuning.racing.RacingHyperModel.figures`.
    """
    return table[table["share"] == 1.0].sort_values("score", ascending=False, kind="stable")


def chosen(table):
    """The row that a search is left with: the best, if its lead over the default is larger than the lead's error.

    Args:
        table: A `pandas.DataFrame` with a row a trial, the default first, see
            `cpc_keras.tuning.racing.RacingHyperModel.figures`.
    """
    best = best_first(table).iloc[0]
    return best if best["lead"] > best["error"] else table.iloc[0]


def short(value):
    """A hyperparameter's value in a table.

    Example:

    >>> short(0.00123), short(256.0), short("sgd"), short(float("nan"))
    ('0.0012', '256', 'sgd', '–')
    """
    if not isinstance(value, float):
        return str(value)
    return "–" if pd.isna(value) else f"{value:.0f}" if value.is_integer() else f"{value:.2g}"
