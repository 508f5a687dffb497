"""Pictures of what a detector found, and of how well it finds."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, NullFormatter

from cpc_keras.plots.canvas import BLUE, GREEN, GREY, ORANGE, PINK, RED, SKY, own_settings, save, show
from cpc_keras.plots.lettering import lettered, lettered_names

_COLORS = (BLUE, ORANGE, SKY, GREY, GREEN, PINK)


@own_settings
def found_boxes(rows, class_names, path):
    """Images with the boxes that were found, right ones green and wrong ones red, and those that were missed.

    Args:
        rows: List of `(title, pictures)`; each picture is `(image, found, right,
            missed)`: an image `[H, W, C]` in `[0, 1]`, a dictionary of `"boxes"`
            `[D, 4]`, `"scores"` `[D]` and `"classes"` `[D]`, booleans `[D]`, and boxes
            `[M, 4]`.
        class_names: Names by class; of a single one only scores are written.
        path: PNG to write.
    """
    columns, names = max(len(pictures) for _, pictures in rows), lettered_names(class_names, 20)
    height, width = rows[0][1][0][0].shape[:2]
    side = 2.4 if columns > 1 else 9.0
    size = (side * columns, (side * height / width + 0.3) * len(rows))
    figure, axes = plt.subplots(len(rows), columns, figsize=size, squeeze=False, layout="constrained")
    for row, (title, pictures) in zip(axes, rows, strict=True):
        row[0].set_title(lettered(title, 80), fontsize=9, loc="left")
        for one in row:
            one.set_axis_off()
        for one, (image, found, right, missed) in zip(row, pictures, strict=False):
            show(one, image)
            for box in missed:
                _outline(one, box, "white", linestyle=":")
            for box, score, kind, is_right in zip(
                found["boxes"], found["scores"], found["classes"], right, strict=True
            ):
                color = GREEN if is_right else RED
                _outline(one, box, color)
                if len(class_names) > 1:
                    text = f"{names[kind]} {score:.0%}"
                    one.text(box[0], box[1] - 1, text, fontsize=5, color=color, va="bottom")
    save(figure, path)


def _outline(axes, box, color, **kwargs):
    left, top, right, bottom = box
    axes.add_patch(
        Rectangle((left - 0.5, top - 0.5), right - left, bottom - top, fill=False, ec=color, lw=1.2, **kwargs)
    )


@own_settings
def detection_curve(summary, names, path):
    """Mean average precision by share of the annotated images.

    Args:
        summary: A `pandas.DataFrame` with `backbone`, `fraction`, `mean`, `lowest` and
            `highest`.
        names: Function from a backbone to what it is called.
        path: PNG to write.
    """
    figure, axes = plt.subplots(figsize=(6.5, 4))
    for color, (backbone, rows) in zip(itertools.cycle(_COLORS), summary.groupby("backbone", sort=False), strict=False):
        rows = rows.sort_values("fraction")
        share, mean = 100 * rows["fraction"], 100 * rows["mean"]
        spread = np.abs(100 * rows[["lowest", "highest"]].to_numpy().T - mean.to_numpy())
        axes.errorbar(share, mean, yerr=spread, marker="o", capsize=3, color=color, label=lettered(names(backbone)))
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("annotated images trained on")
    axes.set_ylabel("mAP at an overlap of 0.5, %")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    save(figure, path)
