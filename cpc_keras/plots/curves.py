"""Accuracy and loss against labels, steps and rungs."""

import matplotlib.pyplot as plt
import numpy as np

from cpc_keras.evaluation.label_table import regime_of, row_name
from cpc_keras.plots.canvas import BLUE, GREEN, GREY, ORANGE, PINK, RED, SKY, save

_ENCODER_COLOURS = {"cpc": BLUE, "scratch": RED, "untrained": GREEN, "pixels": GREY}
_OTHER_COLOURS = (PINK, ORANGE)
_CPC_COLOURS = {"finetune": "#003A5C", "knn": SKY, "resnet": "#4C6FD1"}
_MARKERS = {"finetune": "D", "resnet": "P", "linear": "o", "knn": "v", "supervised": "s"}


def _style(method, encoder, others):
    method, kind = regime_of(method)
    colour = _ENCODER_COLOURS.get(encoder) or _OTHER_COLOURS[others.index(encoder) % len(_OTHER_COLOURS)]
    if encoder == "cpc":
        colour = _CPC_COLOURS.get(method, colour)
    line = "--" if method == "knn" else ":" if method.startswith("linear_") else "-"
    line = {"tuned": "-.", "default": ":"}.get(kind, line)
    return {"color": colour, "linestyle": line, "marker": _MARKERS.get(method, "x"), "markersize": 8 if kind else 5}


def label_curve(summary, arrows, path, figure_name="test accuracy"):
    """Accuracy against number of labels, a line a regime, a band from the lowest to the highest subset.

    Args:
        summary: That of `cpc_keras.evaluation.intervals.Results`.
        arrows: List of `(labels, accuracy, factor, text)`: an arrow from a point
            to `factor` times the labels.
        path: PNG to write.
        figure_name: Of the vertical axis.
    """
    figure, axes = plt.subplots(figsize=(9, 6))
    others = [name for name in dict.fromkeys(summary["encoder"]) if name not in _ENCODER_COLOURS]
    for (method, encoder), group in summary.groupby(["method", "encoder"], sort=False):
        group = group.sort_values("labels")
        style = _style(method, encoder, others)
        axes.plot(group["labels"], 100 * group["mean"], label=row_name(method, encoder), **style)
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
    axes.legend(fontsize=9, loc="lower right")
    save(figure, path)


# Steps from one label of an axis to the next, as a factor.
_APART = 1.5


def learning_dynamics(summary, online, path, figure_name="test accuracy"):
    """Accuracy of the frozen encoder at checkpoints, from the untrained network on.

    Args:
        summary: That of `cpc_keras.evaluation.intervals.Results`, the CPC encoder
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
        colour = shades[budgets.index(labels)]
        style = {"color": colour, "ls": "--" if method == "knn" else "-", "marker": "." if method == "knn" else "o"}
        axes.plot(group["checkpoint"], 100 * group["mean"], label=f"{method}, {labels:,} labels", **style)
        reach = 100 * group["lowest"], 100 * group["highest"]
        axes.fill_between(group["checkpoint"], *reach, color=colour, alpha=0.15, lw=0)
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


def ablation_bars(table, path):
    """Accuracy at each rung of an ablation, a bar a number of labels, lines over seeds.

    Args:
        table: `pandas.DataFrame` with `rung`, `labels`, `seed`, `top1`.
        path: PNG to write.
    """
    rungs, budgets = list(dict.fromkeys(table["rung"])), sorted(table["labels"].unique())
    figure, axes = plt.subplots(figsize=(1.2 * len(rungs) + 2, 4.5))
    width = 0.8 / len(budgets)
    for index, labels in enumerate(budgets):
        spread = 100 * table[table["labels"] == labels].groupby("rung")["top1"].agg(["mean", "min", "max"]).loc[rungs]
        places = np.arange(len(rungs)) + (index - (len(budgets) - 1) / 2) * width
        reach = [spread["mean"] - spread["min"], spread["max"] - spread["mean"]]
        colour = ("#56B4E9", BLUE, "#009E73", "#D55E00")[index % 4]
        bars = axes.bar(places, spread["mean"], width, yerr=reach, color=colour, capsize=2, label=f"{labels:,} labels")
        axes.bar_label(bars, fmt="%.1f", fontsize=7, padding=1)
    axes.set_xticks(range(len(rungs)), rungs)
    axes.set(ylabel="test accuracy of a linear probe, %", ylim=(0, 100))
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    axes.legend(fontsize=8, loc="upper left")
    save(figure, path)


def loss_curve(metrics, path):
    """Loss against chance, and the share of patches picked right, over steps.

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
    right.set(xlabel="step", ylabel="patches picked right, %", ylim=(0, None))
    right.legend(fontsize=8, title="direction by offset")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    save(figure, path)
