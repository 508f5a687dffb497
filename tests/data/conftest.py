import pytest
from PIL import Image


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
