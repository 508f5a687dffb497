"""What every picture shares."""

import functools

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.text import Text

from cpc_keras.plots.lettering import BASE, families
from cpc_keras.storage.atomic import atomic_write

# Colour-blind safe (Okabe and Ito).
BLUE, SKY, GREEN, ORANGE, RED, PINK, YELLOW = (
    *("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7", "#F0E442"),
)
GREY = "#777777"


def own_settings(draw):
    """A function that draws, whatever the user's settings of matplotlib are; a name is no mathematics in it."""

    @functools.wraps(draw)
    def drawn(*args, **kwargs):
        with plt.style.context(["default", {"text.parse_math": False, "font.family": [BASE]}]):
            return draw(*args, **kwargs)

    return drawn


def show(axes, image):
    """Draws `[H, W, C]` in `[0, 1]` without axes."""
    image = np.clip(np.asarray(image, "float32"), 0.0, 1.0)
    axes.imshow(image[..., 0] if image.shape[-1] == 1 else image, cmap="gray", vmin=0, vmax=1)
    axes.set_axis_off()


def save(figure, path):
    """Writes a figure as PNG, in fonts that have its letters, and closes it."""
    for axes in figure.axes:
        axes.get_xticklabels(), axes.get_yticklabels()  # which ask for their texts
    texts = figure.findobj(Text)
    fonts = families("".join(text.get_text() for text in texts))
    for text in texts if len(fonts) > 1 else ():
        text.set_fontfamily(fonts)
    if figure.get_layout_engine() is None:
        figure.tight_layout()
    with atomic_write(path) as partial:
        figure.savefig(partial, dpi=120)
    plt.close(figure)
