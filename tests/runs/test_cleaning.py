from cpc_keras.config.recipe import Recipe
from cpc_keras.runs.cleaning import clean
from cpc_keras.runs.folder import RunFolder


def test_features_and_halves_are_freed_and_nothing_else(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.begin(Recipe(steps=5), Recipe(steps=5))
    kept = [folder.checkpoint_file(5), folder.cells / "x" / "a.npz", folder.tuning / "t" / "trials.csv"]
    freed = [
        folder.evaluation / "features" / "ab-cd" / "00.npz",
        folder.checkpoints / ".step-00000009.partial.keras",
        folder.evaluation / ".list.a1b2.partial.json",
        folder.path / ".report.older" / "index.html",
    ]
    for path in (*kept, *freed):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(2_000_000))
    table, bytes_ = clean(folder)
    assert bytes_ == 8_000_000
    assert all(path.is_file() for path in (*kept, folder.recipe_file)) and not any(path.exists() for path in freed)
    rows = {row.cells[0]: row.cells[1:] for row in table.rows}
    assert rows["features"] == ("2 MB", "0 kB") and rows["checkpoints"] == ("4 MB", "4 MB")
    assert rows["all"] == ("14 MB", "6 MB")
    assert clean(folder)[1] == 0
