"""The pictures of a report."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

# Colour-blind safe (Okabe and Ito); ours first, rivals after it.
_STYLES = {
    ("linear", "cpc"): ("#0072B2", "-", "o"),
    ("knn", "cpc"): ("#56B4E9", "--", "o"),
    ("supervised", "scratch"): ("#D55E00", "-", "s"),
    ("linear", "untrained"): ("#009E73", "-", "^"),
    ("knn", "untrained"): ("#009E73", "--", "^"),
    ("linear", "pixels"): ("#777777", "-", "x"),
    ("knn", "pixels"): ("#777777", "--", "x"),
}


def label_curve(table, names, path):
    """Accuracy against number of labels, a line a method, a band over seeds.

    Args:
        table: `pandas.DataFrame` with `method`, `encoder`, `labels`, `top1`.
        names: Name of each `(method, encoder)`.
        path: PNG to write.
    """
    figure, axes = plt.subplots(figsize=(8, 5))
    for key, group in table.groupby(["method", "encoder"], sort=False):
        colour, line, marker = _STYLES[key]
        spread = 100 * group.groupby("labels")["top1"].agg(["mean", "min", "max"])
        axes.plot(spread.index, spread["mean"], line, color=colour, marker=marker, label=names[key])
        axes.fill_between(spread.index, spread["min"], spread["max"], color=colour, alpha=0.15, lw=0)
    axes.set_xscale("log")
    ticks = sorted(table["labels"].unique())
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.set(xlabel="labels in all", ylabel="test accuracy, %")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    _save(figure, path)


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
        colour = ("#56B4E9", "#0072B2", "#009E73", "#D55E00")[index % 4]
        bars = axes.bar(places, spread["mean"], width, yerr=reach, color=colour, capsize=2, label=f"{labels:,} labels")
        axes.bar_label(bars, fmt="%.1f", fontsize=7, padding=1)
    axes.set_xticks(range(len(rungs)), rungs)
    axes.set(ylabel="test accuracy of a linear probe, %", ylim=(0, 100))
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    axes.legend(fontsize=8, loc="upper left")
    _save(figure, path)


def loss_curve(metrics, path):
    """Loss against chance, and the share of patches picked right, over steps.

    Args:
        metrics: `pandas.DataFrame` of `metrics.csv`.
        path: PNG to write.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
    left.plot(metrics["step"], metrics["loss"], color="#0072B2", marker=".", label="loss")
    left.plot(metrics["step"], metrics["chance"], color="#777777", ls="--", label="chance, ln(candidates)")
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
    _save(figure, path)


def patch_grid(image, clean, augmented, path):
    """An image, its patches, and the patches as the encoder sees them in training.

    Args:
        image: `[H, W, C]`, values in `[0, 1]`.
        clean: `[rows, cols, p, p, C]`.
        augmented: The same after augmentation.
        path: PNG to write.
    """
    figure, axes = plt.subplots(1, 3, figsize=(11, 4))
    for one, picture, title in zip(
        axes,
        (image, tile(clean), tile(augmented)),
        ("image", "its patches", "as seen in training"),
        strict=True,
    ):
        _show(one, picture)
        one.set_title(title, fontsize=10)
    _save(figure, path)


def tile(patches, gap=1):
    """Lays `[rows, cols, p, p, C]` out as one picture with white gaps.

    Example:

    >>> import numpy as np
    >>> tile(np.zeros((2, 3, 4, 4, 1))).shape
    (9, 14, 1)
    """
    rows, cols, size, _, channels = patches.shape
    step = size + gap
    canvas = np.ones((rows * step - gap, cols * step - gap, channels), "float32")
    for row in range(rows):
        for col in range(cols):
            canvas[row * step : row * step + size, col * step : col * step + size] = patches[row, col]
    return canvas


def neighbour_grid(rows, path):
    """Query images, each with its nearest neighbours.

    Args:
        rows: List of `[(image, caption), …]`, the query first.
        path: PNG to write.
    """
    figure, axes = plt.subplots(len(rows), len(rows[0]), figsize=(1.3 * len(rows[0]), 1.5 * len(rows)), squeeze=False)
    for row, pictures in zip(axes, rows, strict=True):
        for index, (one, (image, caption)) in enumerate(zip(row, pictures, strict=True)):
            _show(one, image)
            one.set_title(caption, fontsize=7, color="#0072B2" if index == 0 else "black")
    _save(figure, path)


def _show(axes, image):
    image = np.clip(np.asarray(image, "float32"), 0.0, 1.0)
    axes.imshow(image[..., 0] if image.shape[-1] == 1 else image, cmap="gray", vmin=0, vmax=1)
    axes.set_axis_off()


def _save(figure, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
