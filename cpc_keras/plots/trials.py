"""What a search tried."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from cpc_keras.plots.canvas import GREY, RED, own_settings, save
from cpc_keras.plots.lettering import lettered

# Columns of a table of trials that are no hyperparameters; `judged` is what version 0.1 called `held_out`.
NO_SETTING = ("trial", "share", "held_out", "judged", "score", "balanced_accuracy", "log_likelihood", "lead", "error")
_LOGARITHMIC = ("learning_rate", "weight_decay", "step_multiplier")


def varied(table):
    """Names of the hyperparameters that are not the same in all trials of a table."""
    return [name for name in table.columns if name not in NO_SETTING and table[name].nunique() > 1]


@own_settings
def trials(table, path):
    """Parallel coordinates: a line a trial through its hyperparameters to its accuracy.

    Args:
        table: Rows of trials as of `cpc_keras.tuning.search.tune`, the default first;
            those of a part of a training, or tested on a part of the held-out labels,
            are drawn thin.
        path: PNG to write.
    """
    searched = varied(table)
    axes_of = {name: _heights(table[name], name in _LOGARITHMIC) for name in searched}
    accuracy = 100 * table["balanced_accuracy"]
    axes_of["balanced_accuracy"] = _heights(accuracy, False)
    figure, axes = plt.subplots(figsize=(1.4 * len(axes_of) + 1.5, 4.5))
    colors = plt.get_cmap("viridis")(axes_of["balanced_accuracy"][0])
    places = np.arange(len(axes_of))
    complete = (table["share"] == 1.0) & (table["held_out"] == table["held_out"].max())
    for row in reversed(range(len(table))):
        heights = np.array([heights[row] for heights, _ in axes_of.values()])
        there = np.isfinite(heights)  # a trial without a ResNet head has no depth of it
        style = {"color": colors[row], "linewidth": 1.5 if complete.iloc[row] else 0.5, "alpha": 0.8}
        if row == 0:
            style = {"color": RED, "linewidth": 2, "linestyle": "--", "label": "default"}
        axes.plot(places[there], heights[there], **style)
    for place, (_, ticks) in zip(places, axes_of.values(), strict=True):
        axes.axvline(float(place), color=GREY, linewidth=0.6, zorder=0)
        for height, text in ticks:
            axes.annotate(text, (place, height), (3, 0), textcoords="offset points", fontsize=7, va="center")
    names = [name.replace("_", "\n") for name in axes_of]
    axes.set_xticks(places, names)
    axes.set_yticks([])
    axes.set_xlim(-0.2, len(axes_of) - 0.5)
    axes.spines[:].set_visible(False)
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, -0.12), frameon=False)
    axes.set_title("Trials; the last axis is balanced accuracy, %, cross-validated inside the labels", fontsize=10)
    save(figure, path)


def _heights(values, logarithmic):
    """`(heights, ticks)`: where values stand on an axis from 0 to 1, and `(height, text)` of its ticks."""
    if not pd.api.types.is_numeric_dtype(values):
        known = sorted(values.dropna().unique())
        steps = {value: index / max(1, len(known) - 1) for index, value in enumerate(known)}
        ticks = [(height, lettered(str(value), 20)) for value, height in steps.items()]
        return values.map(steps).to_numpy("float64"), ticks
    numbers = values.to_numpy("float64")
    scaled = np.log(numbers) if logarithmic else numbers
    low, high = np.nanmin(scaled), np.nanmax(scaled)
    span = (high - low) or 1.0
    ends = [(0.0, f"{np.nanmin(numbers):.3g}"), (1.0, f"{np.nanmax(numbers):.3g}")]
    return (scaled - low) / span, ends
