import io

import pandas as pd
from rich.console import Console

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
