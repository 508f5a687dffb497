"""What `make` installs for whom, by what it says it would do."""

import configparser
import os
import pathlib
import re
import subprocess

import pytest

from tests.snippets import PAGES

ROOT = pathlib.Path(__file__).parents[2]
ALL = "dev,tensorboard,tuning,detection"


def installs(venv, target):
    """Extras that a target would install, and what it would say before."""
    command = ["make", "--dry-run", f"VENV={venv}", target]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=environment)
    said = re.findall(r"Installs the package.*", done.stdout)
    extras = re.findall(r"pip install .*'\.\[(.*)\]'", done.stdout)
    assert len(said) == len(extras)
    assert all(re.search(r"\d GB.*minutes", line) for line in said)
    return extras


@pytest.mark.parametrize(
    ("target", "extras"),
    [
        ("demo", "tensorboard"),
        ("searches", "tensorboard,tuning"),
        ("trees", "tensorboard,detection"),
        ("test", ALL),
        ("lint", ALL),
        ("bench", ALL),
        ("docs", "tensorboard,docs"),
        ("pictures", ALL),
    ],
)
def test_each_installs_what_it_takes_in_one_go(tmp_path, target, extras):
    assert installs(tmp_path, target) == [extras]


def test_tests_add_what_the_demo_did_without_and_setup_cfg_begins_anew(tmp_path):
    for stamp in (".created", ".ready"):
        (tmp_path / stamp).touch()
    assert installs(tmp_path, "demo") == []
    assert installs(tmp_path, "test-fast") == [ALL]
    (tmp_path / ".ready-dev").touch()
    assert installs(tmp_path, "test-fast") == []
    for stamp in (".ready", ".ready-dev"):
        os.utime(tmp_path / stamp, (0, 0))
    assert installs(tmp_path, "demo") == ["tensorboard"]
    assert installs(tmp_path, "test-fast") == [ALL]


def test_nothing_is_built_in_the_checkout():
    """pip builds in `build/` where the package is not installed as editable; what is left by that goes with `clean`."""
    commands = re.findall(r"pip install [^\n]*'\.\[[^\n]*", "".join(page.read_text() for page in PAGES))
    assert len(commands) >= 3 and all("--editable" in one for one in commands)
    assert re.search(r"^PIP_INSTALL := .* --editable$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    done = subprocess.run(["make", "--dry-run", "clean"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert " build " in done.stdout


def test_a_wheel_has_every_package():
    """An editable installation has them anyway."""
    told = configparser.ConfigParser()
    told.read(ROOT / "setup.cfg", encoding="utf-8")
    packages = {path.parent.relative_to(ROOT).as_posix().replace("/", ".") for path in ROOT.glob("cpc_keras/**/*.py")}
    assert set(told["options"]["packages"].split()) == packages | {"cpc_keras.recipes"}
