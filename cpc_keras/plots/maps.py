"""Confusion of classes, and images as points."""

import matplotlib.pyplot as plt
import numpy as np

from cpc_keras.plots.canvas import GREY, own_settings, save
from cpc_keras.plots.lettering import lettered, lettered_names

# More classes than this are not written out.
_NAMED = 25


@own_settings
def confusion(matrices, names, path):
    """Confusion matrices side by side, rows of the true classes in %.

    Args:
        matrices: List of `(title, counts)`, counts `[classes, classes]`, rows the
            truth.
        names: Name of each class.
        path: PNG to write.
    """
    size, shown = min(7.0, 2.5 + 0.4 * len(names)), lettered_names(names[: _NAMED + 1], 24)
    figure, axes = plt.subplots(1, len(matrices), figsize=(size * len(matrices) + 1, size), squeeze=False)
    for one, (title, counts) in zip(axes[0], matrices, strict=True):
        shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        one.imshow(shares, cmap="Blues", vmin=0, vmax=100)
        one.set(xlabel="said", ylabel="true")
        one.set_title(lettered(title, 60), fontsize=10)
        if len(names) > _NAMED:
            continue
        one.set_xticks(range(len(names)), shown, rotation=90, fontsize=7)
        one.set_yticks(range(len(names)), shown, fontsize=7)
        for row, col in np.argwhere(shares >= 1):
            color = "white" if shares[row, col] > 50 else "black"
            one.text(col, row, f"{shares[row, col]:.0f}", ha="center", va="center", fontsize=6, color=color)
    save(figure, path)


@own_settings
def embedding_map(points, labels, names, path):
    """Images as points, coloured by class.

    Args:
        points: Float array `[N, 2]`.
        labels: Integer array `[N]`, or `None`.
        names: Name of each class, or `None`.
        path: PNG to write.
    """
    figure, axes = plt.subplots(figsize=(8, 6), layout="constrained")
    if labels is None:
        axes.scatter(points[:, 0], points[:, 1], s=6, color=GREY)
    else:
        colors = plt.get_cmap("tab20" if len(names) > 10 else "tab10")
        shown = lettered_names(names, 24) if len(names) <= _NAMED else [None] * len(names)
        for label in np.unique(labels):
            here = labels == label
            color = [colors(int(label) % colors.N)]
            axes.scatter(points[here, 0], points[here, 1], s=8, c=color, label=shown[label])
        if len(names) <= _NAMED:
            axes.legend(fontsize=7, markerscale=2, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes.set(xticks=[], yticks=[])
    save(figure, path)
