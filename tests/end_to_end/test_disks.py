"""A full disk, and one that must not be written to: one line, and the same command goes on when it can."""

import json
import pathlib
import shutil

import pytest

from tests.processes import run

pytestmark = pytest.mark.slow
EVALUATE = "evaluate run --methods knn --labels-per-class 2"
PRETRAIN = "pretrain small.py --data classes:labelled --run new"


def on_small_disk(place, kind, commands):
    done = run(pathlib.Path(__file__).parent / "small_disk.py", place, kind, json.dumps(commands))
    if done.returncode == 77:
        pytest.skip("mounting a disk in memory is not permitted here")
    assert done.returncode == 0, done.stderr
    return [dict(zip(commands, results, strict=False)) for results in json.loads(done.stdout)]


@pytest.mark.parametrize(
    ("kind", "reason", "commands"),
    [
        (
            "full",
            "No space left on device",
            [PRETRAIN, EVALUATE, "tune run --labels-per-class 2 --trials 1", "report run", "export run model"],
        ),
        ("closed", "Read-only file system", [EVALUATE]),
    ],
)
def test_is_one_line_and_goes_on(tmp_path, pretrained, kind, reason, commands):
    place = shutil.copytree(pretrained, tmp_path / "place")
    refused, then = on_small_disk(place, kind, commands)
    for command, (code, said, hidden) in refused.items():
        assert code == 2 and said.count("\n") == 1, (command, said)
        assert "must be a folder that can be written to" in said and reason in said, (command, said)
        assert not hidden, command
        if kind == "full":
            assert "the same command goes on" in said, (command, said)
    for command, (code, said, hidden) in then.items():
        assert (code, hidden) == (0, []), (command, said)
