"""What every picture shares."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from cpc_keras.storage.atomic import atomic_write

# Colour-blind safe (Okabe and Ito).
BLUE, SKY, GREEN, ORANGE, RED, PINK, YELLOW = (
    *("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7", "#F0E442"),
)
GREY = "#777777"


def show(axes, image):
    """Draws `[H, W, C]` in `[0, 1]` without axes."""
    image = np.clip(np.asarray(image, "float32"), 0.0, 1.0)
    axes.imshow(image[..., 0] if image.shape[-1] == 1 else image, cmap="gray", vmin=0, vmax=1)
    axes.set_axis_off()


def save(figure, path):
    """Writes a figure as PNG and closes it."""
    if figure.get_layout_engine() is None:
        figure.tight_layout()
    with atomic_write(path) as partial:
        figure.savefig(partial, dpi=120)
    plt.close(figure)
