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


@pytest.fixture(scope="session")
def taken_home(made_once, pretrained):
    """The same, evaluated and exported with a head as `models/small`; the run before is `bare`, bad files `broken`."""

    def export(place):
        shutil.copytree(pretrained, place, dirs_exist_ok=True)
        shutil.copytree(place / "run", place / "bare")
        (place / "broken").mkdir()
        for name in ("a.png", "b.jpg"):
            (place / "broken" / name).write_bytes(b"no image")
        cpc_keras("evaluate", "run", "--methods", "linear,propagated", cwd=place, code=0)
        done = cpc_keras("export", "run", "models/small", "--with-head", cwd=place, code=0)
        assert done.stdout.endswith("Next: cpc-keras predict models/small --data dir:PATH --out classes.csv\n")

    return made_once("taken_home", export)
