"""Accuracy and loss against labels, training steps and the steps of an ablation."""

import matplotlib.pyplot as plt
import numpy as np

from cpc_keras.evaluation.methods import METHODS, method_and_kind, row_name
from cpc_keras.evaluation.table import chosen_name
from cpc_keras.plots.canvas import BLUE, GREEN, GREY, ORANGE, PINK, RED, SKY, own_settings, save
from cpc_keras.plots.lettering import lettered

_ENCODER_COLORS = {"cpc": BLUE, "scratch": RED, "untrained": GREEN, "pixels": GREY, "handmade": ORANGE}
_OTHER_COLORS = (PINK, SKY)
# Lines whose names find room in a corner of the axes.
_IN_A_CORNER = 9
_KIND_LINES = {"tuned": "-.", "default": ":"}


def _style(name, encoder, others):
    method, kind = method_and_kind(name)
    row = METHODS[method]
    color = _ENCODER_COLORS.get(encoder) or _OTHER_COLORS[others.index(encoder) % len(_OTHER_COLORS)]
    return {
        "color": row.color or color if encoder == "cpc" else color,
        "linestyle": _KIND_LINES.get(kind, row.line),
        "marker": row.marker,
        "markersize": 8 if kind else 5,
    }


@own_settings
def label_curve(summary, arrows, path, figure_name="test accuracy"):
    """Accuracy against number of labels, a line a method, a band from the lowest to the highest subset.

    Args:
        summary: That of `cpc_keras.evaluation.results.Results`.
        arrows: List of `(labels, accuracy, factor, text)`: an arrow from a point
            to `factor` times the labels.
        path: PNG to write.
        figure_name: Of the vertical axis.
    """
    rows = len(summary.groupby(["method", "encoder", "selection"]))
    beside = rows > _IN_A_CORNER
    figure, axes = plt.subplots(figsize=(13 if beside else 9, 6), layout="constrained" if beside else None)
    others = [name for name in dict.fromkeys(summary["encoder"]) if name not in _ENCODER_COLORS]
    for (method, encoder, selection), group in summary.groupby(["method", "encoder", "selection"], sort=False):
        group = group.sort_values("labels")
        style = _style(method, encoder, others)
        if selection:
            style |= {"linestyle": (0, (1, 1)), "markerfacecolor": "white", "markersize": 7}
        name = chosen_name(row_name(method, encoder), selection)
        axes.plot(group["labels"], 100 * group["mean"], label=lettered(name, 60), **style)
        axes.fill_between(
            group["labels"], 100 * group["lowest"], 100 * group["highest"], color=style["color"], alpha=0.15, lw=0
        )
    for labels, accuracy, factor, text in arrows:
        start, end = (labels, 100 * accuracy), (labels * factor, 100 * accuracy)
        axes.annotate("", xy=end, xytext=start, arrowprops={"arrowstyle": "->", "color": "black", "lw": 1.2})
        middle = (labels * np.sqrt(factor), 100 * accuracy)
        style = {"ha": "center", "fontsize": 9, "fontweight": "bold"}
        axes.annotate(text, middle, xytext=(0, 4), textcoords="offset points", **style)  # type: ignore[arg-type]
    axes.set_xscale("log")
    ticks = sorted(summary["labels"].unique())
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.set(xlabel="labels in all", ylabel=f"{figure_name}, %")
    axes.grid(alpha=0.3)
    if beside:
        figure.legend(fontsize=9, loc="outside right upper")
    else:
        axes.legend(fontsize=9, loc="lower right")
    save(figure, path)


# Steps from one label of an axis to the next, as a factor.
_APART = 1.5


@own_settings
def learning_dynamics(summary, online, path, figure_name="test accuracy"):
    """Accuracy of the frozen encoder at checkpoints, from the untrained network on.

    Args:
        summary: That of `cpc_keras.evaluation.results.Results`, the CPC encoder
            at several checkpoints. Numbers of labels that were not tried at all
            of them are left out.
        online: `pandas.DataFrame` with `step` and `probe_accuracy`, or `None`.
        path: PNG to write.
        figure_name: Of the vertical axis.
    """
    figure, axes = plt.subplots(figsize=(9, 5), layout="constrained")
    tried = summary.groupby("labels")["checkpoint"].nunique()
    budgets = sorted(tried.index[tried == tried.max()])
    summary = summary[summary["labels"].isin(budgets)]
    shades = plt.get_cmap("viridis")(np.linspace(0.0, 0.85, len(budgets)))
    for (method, labels), group in summary.groupby(["method", "labels"], sort=True):
        group = group.sort_values("checkpoint")
        color = shades[budgets.index(labels)]
        style = {"color": color, "ls": METHODS[method].line, "marker": METHODS[method].marker, "markersize": 4}
        axes.plot(group["checkpoint"], 100 * group["mean"], label=f"{method}, {labels:,} labels", **style)
        reach = 100 * group["lowest"], 100 * group["highest"]
        axes.fill_between(group["checkpoint"], *reach, color=color, alpha=0.15, lw=0)
    if online is not None:
        axes.plot(online["step"], 100 * online["probe_accuracy"], color=GREY, ls=":", label="online probe")
    steps = sorted(step for step in summary["checkpoint"].unique() if step)
    axes.set_xscale("symlog", linthresh=steps[0])
    ticks = [steps[-1]]
    for step in reversed(steps):
        if _APART * step <= ticks[-1]:
            ticks.append(step)
    axes.set_xticks([*ticks, 0], [f"{int(tick):,}" for tick in (*ticks, 0)])
    axes.minorticks_off()
    axes.set(xlabel="steps of pre-training", ylabel=f"{figure_name}, %")
    axes.grid(alpha=0.3)
    figure.legend(fontsize=8, loc="outside right upper", reverse=True)
    save(figure, path)


@own_settings
def ablation_bars(table, path):
    """Accuracy at each step of an ablation, a bar a number of labels, lines over seeds.

    Args:
        table: `pandas.DataFrame` with `step`, `labels`, `seed`, `top1`.
        path: PNG to write.
    """
    steps, budgets = list(dict.fromkeys(table["step"])), sorted(table["labels"].unique())
    figure, axes = plt.subplots(figsize=(1.2 * len(steps) + 2, 4.5))
    width = 0.8 / len(budgets)
    for index, labels in enumerate(budgets):
        figures = 100 * table[table["labels"] == labels].groupby("step")["top1"].agg(["mean", "min", "max"]).loc[steps]
        places = np.arange(len(steps)) + (index - (len(budgets) - 1) / 2) * width
        reach = [figures["mean"] - figures["min"], figures["max"] - figures["mean"]]
        color = (SKY, BLUE, GREEN, RED)[index % 4]
        bars = axes.bar(places, figures["mean"], width, yerr=reach, color=color, capsize=2, label=f"{labels:,} labels")
        axes.bar_label(bars, fmt="%.1f", fontsize=7, padding=1)
    axes.set_xticks(range(len(steps)), steps)
    axes.set(ylabel="test accuracy of a linear probe, %", ylim=(0, 100))
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    axes.legend(fontsize=8, loc="upper left")
    save(figure, path)


@own_settings
def loss_curve(metrics, path):
    """Loss against chance, and the accuracy of the contrastive task, over steps.

    Args:
        metrics: `pandas.DataFrame` of `metrics.csv`.
        path: PNG to write.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
    left.plot(metrics["step"], metrics["loss"], color=BLUE, marker=".", label="loss")
    left.plot(metrics["step"], metrics["chance"], color=GREY, ls="--", label="chance, ln(candidates)")
    left.set(xlabel="step", ylabel="InfoNCE, nats", ylim=(0, None))
    left.legend()
    tasks = [column for column in metrics.columns if column.startswith("accuracy_")]
    for task in tasks:
        name = task.removeprefix("accuracy_").replace("_", " by ")
        right.plot(metrics["step"], 100 * metrics[task], marker=".", label=name)
    right.set(xlabel="step", ylabel="accuracy of picking the true patch, %", ylim=(0, None))
    right.legend(fontsize=8, title="direction by offset")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    save(figure, path)
