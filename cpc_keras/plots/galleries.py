"""Pictures of images, patches and what is near or was predicted."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from cpc_keras.plots.canvas import BLUE, GREEN, GREY, RED, own_settings, save, show
from cpc_keras.plots.lettering import lettered


@own_settings
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
        show(one, picture)
        one.set_title(title, fontsize=10)
    save(figure, path)


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


@own_settings
def neighbour_grid(rows, path):
    """Query images, each with its nearest neighbours.

    Args:
        rows: List of `[(image, caption), …]`, the query first.
        path: PNG to write.
    """
    figure, axes = plt.subplots(len(rows), len(rows[0]), figsize=(1.3 * len(rows[0]), 1.5 * len(rows)), squeeze=False)
    for row, pictures in zip(axes, rows, strict=True):
        for index, (one, (image, caption)) in enumerate(zip(row, pictures, strict=True)):
            show(one, image)
            one.set_title(lettered(caption, 16), fontsize=7, color=BLUE if index == 0 else "black")
    save(figure, path)


@own_settings
def mistake_grid(pictures, path, columns=6):
    """Images that were taken for something else, with what they are and what they were taken for.

    Args:
        pictures: List of `(image, title, true, said)`, an image `[H, W, C]` in `[0, 1]`
            and three texts; at least one.
        path: PNG to write.
        columns: Images in a row.
    """
    rows = -(-len(pictures) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(1.8 * columns, 2.3 * rows), squeeze=False)
    for one in axes.flat:
        one.set_axis_off()
    for one, (image, title, true, said) in zip(axes.flat, pictures, strict=False):
        show(one, image)
        one.set_title(lettered(title, 24), fontsize=8, color=BLUE)
        for y, (word, name, color) in zip((-0.04, -0.16), (("is", true, GREEN), ("said", said, RED)), strict=True):
            text = f"{word} {lettered(name, 20)}"
            one.text(0.5, y, text, transform=one.transAxes, fontsize=7, color=color, ha="center", va="top")
    save(figure, path)


@own_settings
def patch_predictions(predictions, path):
    """A query, the true patch, and the candidates that were liked best.

    Args:
        predictions: List of `cpc_keras.report.patch_predictions.PatchPrediction`.
        path: PNG to write.
    """
    columns = 2 + len(predictions[0].candidates)
    figure, axes = plt.subplots(
        len(predictions), columns, figsize=(1.4 * columns, 1.6 * len(predictions)), squeeze=False
    )
    for row, prediction in zip(axes, predictions, strict=True):
        image = np.array(prediction.image, "float32")
        image[~prediction.seen] = 0.5 + 0.25 * (image[~prediction.seen] - 0.5)  # what the context cannot know of
        show(row[0], image)
        top, left, size = prediction.box
        row[0].add_patch(Rectangle((left - 0.5, top - 0.5), size, size, fill=False, ec=BLUE, lw=2))
        row[0].set_title(f"{prediction.direction}, {prediction.offset} ahead", fontsize=7)
        show(row[1], prediction.true)
        row[1].set_title(f"true, rank {prediction.rank}", fontsize=7, color=BLUE)
        for one, (patch, probability, is_true) in zip(row[2:], prediction.candidates, strict=True):
            show(one, patch)
            one.set_title(f"{probability:.0%}", fontsize=7, color=GREEN if is_true else RED)
            color, width = (GREEN, 2.0) if is_true else (GREY, 0.5)
            size = patch.shape[1], patch.shape[0]
            one.add_patch(Rectangle((-0.5, -0.5), *size, fill=False, ec=color, lw=width))
    save(figure, path)
