import io

import pandas as pd
import pytest
from rich.console import Console

from cpc_keras.storage.atomic import write_json
from cpc_keras.tuning.folder import finished_searches, settle
from cpc_keras.tuning.search import _best_trials


def test_the_best_trials_fit_a_narrow_terminal_with_all_they_are_set_to():
    names = ("learning_rate", "weight_decay", "frozen_stacks", "head_bottleneck", *(f"axis_{n}" for n in range(8)))
    rows = []
    for number in range(11):
        figures = {"score": number / 100, "share": 1.0, "balanced_accuracy": number / 20, "log_likelihood": -1.0}
        figures |= {"lead": number / 100, "error": number / 200}
        rows.append({"trial": f"trial {number:04}" if number else "default", **figures, **dict.fromkeys(names, number)})
    console = Console(width=80, file=io.StringIO())
    console.print(_best_trials(pd.DataFrame(rows)).rich())
    cells = {line[:17].strip(): line[17:].split() for line in console.file.getvalue().splitlines()}
    assert cells["trial"] == ["default", "0010", "0009", "0008", "0007", "0006"]
    assert cells["score"][:2] == ["0.000", "0.100"]
    assert cells["accuracy, %"][:2] == ["0.0", "50.0"]
    assert cells["lead"][:2] == ["+0.000", "+0.100"]
    assert cells["its error"][:2] == ["0.000", "0.050"]
    for name in names:
        assert cells[name.replace("_", " ")] == ["0", "10", "9", "8", "7", "6"], name


SEARCH = {"regime": "linear", "budget": "5 a class", "subset": 0, "tuner": "random", "trials": 2, "labels": 50}
TRIALS = """trial,share,held_out,score,balanced_accuracy,log_likelihood,lead,error,optimizer,dropout
default,1.0,8,0.85,0.87,-0.2,0.0,0.0,adamw,
trial 0,1.0,6,0.84,0.87,-0.3,-0.01,inf,sgd,0.5
"""


@pytest.fixture
def searched(tmp_path):
    place = tmp_path / "linear [1]"
    place.mkdir()
    write_json(place / "search.json", SEARCH)
    (place / "trials.csv").write_text(TRIALS)
    return place


def test_a_finished_search_comes_back(searched):
    for text in (TRIALS, TRIALS.replace("held_out", "judged")):  # its name in version 0.1
        (searched / "trials.csv").write_text(text)
        ((search, table, place),) = finished_searches(searched.parent)
        assert (search, place) == (SEARCH, searched)
        assert table["held_out"].tolist() == [8, 6]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("search.json", None),
        ("search.json", ""),
        ("search.json", "[]"),
        ("search.json", '{"regime": "linear"}'),
        ("trials.csv", ""),
        ("trials.csv", TRIALS[:70]),
        ("trials.csv", TRIALS[:150]),
        ("trials.csv", TRIALS.replace("-0.01", "minus")),
        ("trials.csv", TRIALS.replace("default,1.0", "default,0.5").replace("trial 0,1.0", "trial 0,0.5")),
        ("trials.csv", TRIALS.replace("default", "trial 1")),
        ("trials.csv", "\0" * 300),
    ],
)
def test_one_that_cannot_be_read_is_left_out_and_that_is_said(file, content, searched, capsys):
    if content is None:
        (searched / file).unlink()
    else:
        (searched / file).write_text(content)
    assert finished_searches(searched.parent) == []
    said = capsys.readouterr().out.splitlines()
    assert said and all(line.startswith(f"Note: {searched}") for line in said)
    settle(searched, SEARCH)  # begun again, it is whole again
    (searched / "trials.csv").write_text(TRIALS)
    assert len(finished_searches(searched.parent)) == 1
