"""Writes `version_0_1.tar.xz`: what the version before the folders were rearranged left on the disk.

In a checkout of that version, 0.1.0 as of commit a117886, with its environment:

    python PATH/TO/make_version_0_1.py PATH/TO/version_0_1.tar.xz
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

RECIPE = '''"""Small enough to train in a test."""
data = "classes:labelled"
crop = 28
patch_size = 12
stride = 4
widths = (4, 8)
blocks = (1, 1)
offsets = (2, 3)
directions = ("down",)
context_blocks = 1
context_width = 4
patch_flip = 0.5
patch_colour_distortion = 0.5
patch_greyscale = 0.5
precision = "float32"
batch_size = 4
steps = 2
checkpoint_every = 1
average_decay = 0.9
labels_per_class = (2, 4)
label_seeds = 2
head_width = 8
head_bottleneck = 4
'''
DETECTOR = '''"""Small enough to train in a test."""
data = "voc:boxes/train"
test = "voc:boxes/test"
short_side = None
max_side = None
scales = (1.0,)
colour_jitter = 0.2
rpn_width = 4
roi_size = 4
head_blocks = 1
head_width = 4
head_bottleneck = None
candidates = (32, 32)
proposals = (16, 16)
rpn_batch = 8
roi_batch = 4
batch_size = 2
steps = 2
score_threshold = 0.0
precision = "float32"
trunks = ("cpc", "scratch")
'''
BOX = (
    "<annotation><size><width>64</width><height>64</height><depth>3</depth></size><object><name>spot</name>"
    "<bndbox><xmin>{0}</xmin><ymin>{1}</ymin><xmax>{2}</xmax><ymax>{3}</ymax></bndbox></object></annotation>"
)
WRITTEN = 1_700_000_000  # what an image set is known by is also when its files were written


def main(out):
    with tempfile.TemporaryDirectory() as temporary:
        place = pathlib.Path(temporary)
        write_images(place)
        (place / "small.py").write_text(RECIPE)
        (place / "detector.py").write_text(DETECTOR)
        for path in place.rglob("*"):
            os.utime(path, (WRITTEN, WRITTEN))
        for command in (
            "pretrain small.py --run run",
            "evaluate run --methods linear,knn,finetune --seeds 1",
            "tune run --labels-per-class 4 --trials 2 --name linear",
            "evaluate run --settings run/tuning",
            "detect run --recipe detector.py",
            "export run model --with-head",
        ):
            subprocess.run([sys.executable, "-m", "cpc_keras.cli", *command.split()], cwd=place, check=True)
        for name in ("tensorboard", "report", "evaluation/features", "tuning/linear/keras_tuner"):
            shutil.rmtree(place / "run" / name, ignore_errors=True)
        for picture in place.rglob("run/**/*.png"):
            picture.write_bytes(b"")  # drawn anew by whoever draws
        with tarfile.open(out, "w:xz", preset=9) as archive:
            archive.add(place, arcname=".")
    print(pathlib.Path(out).stat().st_size)


def write_images(place):
    photographs = load_sample_images().images
    rng = np.random.default_rng(0)
    for index in range(16):
        folder = place / "labelled" / ("even", "odd")[index % 2]
        folder.mkdir(parents=True, exist_ok=True)
        top, left = rng.integers(0, 380, 2)
        Image.fromarray(photographs[index % 2][top : top + 32, left : left + 32]).save(folder / f"{index}.png")
    for split, count in (("train", 4), ("test", 2)):
        folder = place / "boxes" / split
        folder.mkdir(parents=True)
        for index in range(count):
            picture = np.array(photographs[0][64 * index : 64 * index + 64, :64]) // 2
            left, top = rng.integers(4, 36, 2)
            picture[top : top + 20, left : left + 20] = 250
            Image.fromarray(picture).save(folder / f"{split}{index}.png")
            (folder / f"{split}{index}.xml").write_text(BOX.format(left + 1, top + 1, left + 20, top + 20))


if __name__ == "__main__":
    main(sys.argv[1])
