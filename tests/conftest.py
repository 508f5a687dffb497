"""Real images and small models that tests share."""

import fcntl
import os
import shutil

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "PYTEST_XDIST_WORKER" in os.environ and hasattr(os, "sched_setaffinity"):
    # Processes that share the tests, and all that they start, have processors of their own: threads that wait for each
    # other across them cost more than they win.
    number, count = int(os.environ["PYTEST_XDIST_WORKER"][2:]), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    if mine := sorted(os.sched_getaffinity(0))[number::count]:
        os.sched_setaffinity(0, mine)

import cpc_keras  # noqa: F401 -- before keras, so that TensorFlow uses oneDNN

# isort: split
import keras
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from cpc_keras.layers import PatchAugmentation
from cpc_keras.models import CPC, ResNet


def pytest_collection_modifyitems(items):
    """Files with slow tests come first, so that processes that share the tests end together."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def photographs():
    """Two photographs, uint8 `[427, 640, 3]`, that scikit-learn ships."""
    return [np.asarray(image) for image in load_sample_images().images]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """`made_once(name, fill)`: a folder that `fill(folder)` has filled, once for all processes that share the tests.

    Whoever changes something in it copies it first.
    """
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent

    def make(name, fill):
        folder, filled = root / f"shared_{name}", root / f"shared_{name}.filled"
        with open(root / f"shared_{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not filled.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                filled.touch()
        return folder

    return make


@pytest.fixture(scope="session")
def photo_folder(made_once, photographs):
    """Sixteen pieces of real photographs, mixed sizes, JPEG and PNG."""
    return made_once("photos", lambda folder: save_pieces(photographs, folder))


def save_pieces(photographs, folder):
    rng = np.random.default_rng(0)
    for index in range(16):
        picture = photographs[index % 2]
        height, width = (int(side) for side in rng.integers(120, 240, 2))
        top, left = (int(rng.integers(0, limit)) for limit in (427 - height, 640 - width))
        name = f"photo{index}.{'jpg' if index % 3 else 'png'}"
        Image.fromarray(picture[top : top + height, left : left + width]).save(folder / name)


@pytest.fixture(scope="session")
def photo_classes(made_once, photo_folder):
    """The same pieces in two folders, `even` and `odd`."""

    def sort(folder):
        for index, path in enumerate(sorted(photo_folder.iterdir())):
            label = folder / ("even", "odd")[index % 2]
            label.mkdir(exist_ok=True)
            shutil.copy(path, label)

    return made_once("classes", sort)


@pytest.fixture(scope="session")
def photo_crops(photographs):
    """Float32 `[12, 28, 28, 1]` in `[0, 1]`: grey pieces of real photographs."""
    rng = np.random.default_rng(1)
    crops = []
    for index in range(12):
        grey = photographs[index % 2].mean(axis=2, keepdims=True) / 255.0
        top, left = int(rng.integers(0, 399)), int(rng.integers(0, 612))
        crops.append(grey[top : top + 28, left : left + 28])
    return np.stack(crops).astype("float32")


def build_small_cpc(channels=1, dtype=None, **kwargs):
    """A CPC model small enough to train in a test."""
    arguments = {
        "offsets": (2, 3),
        "directions": ("down", "left"),
        "target_dim": 8,
        "context_blocks": 2,
        "context_width": 8,
        "augmentation": PatchAugmentation(
            flip=0.5, color_distortion=1.0, brightness=0.2, contrast=0.4, saturation=0.0, hue=0.0, clip=False, seed=3
        ),
        **kwargs,
    }
    encoder = ResNet((8, 16), (1, 1), stem="medium", input_shape=(None, None, channels), dtype=dtype)
    return CPC(encoder, patch_size=12, stride=4, dtype=dtype, **arguments)


@pytest.fixture
def small_cpc():
    return build_small_cpc
