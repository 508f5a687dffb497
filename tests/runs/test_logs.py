import pytest

from cpc_keras.runs.folder import RunFolder
from cpc_keras.runs.logs import is_digest, is_number, keep_rows, read_rows

WHOLE = "step,loss,accuracy\n1,3.5,0.1\n2,3.25,0.2\n3,3,0.3\n4,2.75,0.4\n"


def test_rows_after_a_step_are_cut(tmp_path):
    path = tmp_path / "log.csv"
    keep_rows(path, ["step", "digest"], 0, is_digest)
    path.write_text(path.read_text() + "1,0a\n2,0b\n3,0c\n")
    keep_rows(path, ["step", "digest"], 2, is_digest)
    assert path.read_text() == "step,digest\n1,0a\n2,0b\n"


@pytest.mark.parametrize(
    ("damaged", "steps"),
    [
        (WHOLE, [1, 2, 3, 4]),
        (WHOLE[:-3], [1, 2, 3]),  # the last line is cut
        (WHOLE.replace("3.25,0.2", "3.2"), [1, 3, 4]),
        (WHOLE.replace("3.25", "3.\x00\x00"), [1, 3, 4]),
        (WHOLE.replace("3.25", "nan"), [1, 3, 4]),
        (WHOLE.replace("2,3.25,0.2\n3", "2,3.23"), [1, 4]),  # two lines that ran into one
        (WHOLE.replace("\n2,", "\n\n<<<<<<< ours\n2,"), [1, 2, 3, 4]),
        (WHOLE.replace("\n", "\r\n"), [1, 2, 3, 4]),
        (WHOLE.replace("step,loss", "\x00\x00\x00"), [1, 2, 3, 4]),
        (WHOLE + "2,9,9\n", [1, 2, 3, 4]),
        (WHOLE.replace(",", ";"), []),
        ("", []),
        ("\x00" * 500, []),
    ],
)
def test_goes_on_with_the_rows_that_can_be_read(damaged, steps, tmp_path, capsys):
    path = tmp_path / "metrics.csv"
    path.write_bytes(damaged.encode().replace(b"<<<", b"\xff\xfe<"))
    columns = ["step", "loss", "accuracy"]
    rows = read_rows(path, is_number, columns)
    assert [int(row["step"]) for row in rows] == steps
    said = capsys.readouterr().out
    keep_rows(path, columns, 3, is_number)
    kept = path.read_text().splitlines()
    assert [int(line.split(",")[0]) for line in kept[1:]] == [step for step in steps if step <= 3]
    assert kept[0] == "step,loss,accuracy"
    assert not said or (said.count("\n") == 1 and "lines cannot be read and are left out" in said)


def test_the_last_row_of_a_step_counts_and_other_columns_stay_in_their_places(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("step,accuracy,loss\n2,0.2,3.25\n1,0.1,3.5\n2,0.25,3\n")
    keep_rows(path, ["step", "loss", "accuracy", "new"], 2, is_number)
    assert path.read_text() == "step,loss,accuracy,new\n1,3.5,0.1,\n2,3,0.25,\n"
    assert RunFolder(tmp_path).metrics() == [
        {"step": 1.0, "loss": 3.5, "accuracy": 0.1},
        {"step": 2.0, "loss": 3.0, "accuracy": 0.25},
    ]
    assert RunFolder(tmp_path).best_step() == 2


def test_no_log_has_no_rows(tmp_path):
    assert read_rows(tmp_path / "none.csv", is_number) == []
    assert RunFolder(tmp_path).best_step() is None
