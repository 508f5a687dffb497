"""A small run that several files of tests begin with."""

import shutil

import pytest

from tests.commands import RECIPE, cpc_keras


@pytest.fixture(scope="session")
def pretrained(made_once, photo_classes):
    """A recipe `small.py`, images in two classes in `labelled`, and a `run` on them; to be copied by whoever writes."""

    def pretrain(place):
        (place / "small.py").write_text(RECIPE + "labels_per_class = (2, 4)\nlabel_seeds = 2\npatch_flip = 0.5\n")
        shutil.copytree(photo_classes, place / "labelled")
        cpc_keras("pretrain", "small.py", "--data", "classes:labelled", "--run", "run", cwd=place, code=0)

    return made_once("pretrained", pretrain)
