"""What searches found, for the report."""

import pandas as pd

from cpc_keras.evaluation.methods import KINDS, row_name
from cpc_keras.evaluation.table import points
from cpc_keras.plots.trials import NO_SETTING
from cpc_keras.plots.trials import trials as draw_trials
from cpc_keras.report.page import Section
from cpc_keras.tables import Table
from cpc_keras.tuning.folder import chosen, finished_searches, search_words, short

_NOTE = (
    "Accuracy is balanced and cross-validated inside the labels. The best of many such figures flatters, so the "
    "default stays unless the best is ahead by more than a standard error; the test images decide below, where "
    "the tuned settings were tested."
)
_GAIN_NOTE = (
    "One network, trained on the same labels with either setting; the interval counts subsets and images as samples. "
    "The table of accuracies above has the methods that search a little by themselves."
)
_PICTURE_NOTE = (
    "A line a trial, coloured by its accuracy; thin lines are trials that were not trained to "
    "the end, or fell behind the default and were not tested on all held-out labels."
)


def search_sections(folder, step, results=None):
    """Sections about the finished searches of a run; none where there was none.

    Args:
        folder: A `RunFolder`.
        step: Step of the encoder that is reported on.
        results: A `cpc_keras.evaluation.results.Results`, for the gain on test
            images; `None` where nothing was evaluated.

    Returns:
        A list of `Section`.
    """
    searches = finished_searches(folder.tuning)
    if not searches:
        return []
    sections = [Section("What was searched", table=_searches(searches), note=_NOTE)]
    gains = [] if results is None else _gains(results, step)
    if gains:
        sections.append(Section("What searching was worth", table=_gain_table(gains), note=_GAIN_NOTE))
    folder.report.mkdir(parents=True, exist_ok=True)
    for search, table, place in searches:
        picture = f"trials_{place.name}.png"
        draw_trials(table, folder.report / picture)
        sections.append(Section(f"Trials: {search_words(search)}", picture, note=_PICTURE_NOTE))
    return sections


def _searches(searches):
    shown = Table(
        ("search", "labels spent", "tuner, settings tried", "default, %", "tuned, %", "tuned setting"), left=(0, 5)
    )
    for search, table, _ in searches:
        best, default = chosen(table), table.iloc[0]
        known = [name for name in table.columns if name not in NO_SETTING]
        setting = ", ".join(f"{name} {short(best[name])}" for name in known if not pd.isna(best[name]))
        accuracies = [f"{100 * one['balanced_accuracy']:.1f}" for one in (default, best)]
        tried = f"{search['tuner']}, {len(table)}"
        shown.add(search_words(search), f"{search['labels']:,}", tried, *accuracies, setting)
    return shown


def _gains(results, step):
    """`(row tuned, its mean, the default's, (difference, low, high))` wherever both settings were tested."""
    tuned, default = KINDS
    summary = results.at(step)
    gains = []
    for _, row in summary[summary["method"].str.endswith(f"_{tuned}")].sort_values(["method", "labels"]).iterrows():
        method = row["method"].removesuffix(tuned) + default
        same = summary[(summary["method"] == method) & (summary["labels"] == row["labels"])]
        same = same[same["encoder"] == row["encoder"]]
        if len(same) and results.shared(row, same.iloc[0]):
            gains.append((row, *results.compare(row, same.iloc[0])))
    return gains


def _gain_table(gains):
    table = Table(("method", "labels", "default, %", "tuned, %", "gain (95 % interval)"))
    for row, ours, theirs, difference in gains:
        name = row_name(row["method"], row["encoder"]).removesuffix(", tuned")
        table.add(name, f"{row['labels']:,}", f"{100 * theirs:.1f}", f"{100 * ours:.1f}", points(difference))
    return table
