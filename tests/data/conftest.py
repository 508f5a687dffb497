import numpy as np
import pytest
from PIL import Image

from cpc_keras.data.image_set import ImageSet


@pytest.fixture
def uneven(photographs, tmp_path):
    """Tiles of two photographs in three classes of 20, 8 and 1, and a file that is no image; a CSV of them."""
    rows = ["path,label"]
    for label, count in (("sky", 20), ("flower", 8), ("rare", 1)):
        for index in range(count):
            top, left = 16 * index, 24 * (index % 8)
            tile = photographs[label == "flower"][top % 380 : top % 380 + 40, left : left + 48]
            Image.fromarray(tile).save(tmp_path / f"{label}{index}.png")
            rows.append(f"{label}{index}.png,{label}")
    (tmp_path / "broken.png").write_text("no image")
    (tmp_path / "labels.csv").write_text("\n".join([*rows, "broken.png,sky"]) + "\n")
    return tmp_path / "labels.csv"


@pytest.fixture
def images(photographs):
    """Four images of other sizes, two of them gray, one of 16 bits."""
    arrays = [
        photographs[0][:50, :80],
        photographs[1][:90, :60],
        photographs[0][:40, :40, :1],
        (photographs[1][:44, :30, :1].astype("uint16") * 257),
    ]
    return ImageSet(
        "test",
        "all",
        list("abcd"),
        arrays.__getitem__,
        np.array([a.shape for a in arrays]),
        np.arange(4),
        tuple("wxyz"),
    )
