import pytest

from tests.commands import RECIPE, cpc_keras

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory, photo_classes):
    place = tmp_path_factory.mktemp("ablation")
    (place / "small.py").write_text(RECIPE + "labels_per_class = (2, 4)\nlabel_seeds = 2\npatch_color_dropping = 0.5\n")
    return place


def test_climbs_the_ladder_and_goes_on_where_it_stopped(place, photo_classes):
    arguments = ("ablate", "small.py", "--data", f"classes:{photo_classes}", "--run", "ladder", "--axes", "MC,RC,HP")
    settings = ("--set", "steps=4", "--set", "checkpoint_every=4", "--set", "channels=1")
    done = cpc_keras(*arguments, *settings, cwd=place, code=0)
    ladder = place / "ladder"
    assert sorted(path.name for path in ladder.iterdir() if path.is_dir()) == ["0-base", "1-MC", "2-HP"]
    rows = (ladder / "ablation.csv").read_text().splitlines()
    assert rows[0] == "step,axis,labels,labels_per_class,seed,top1"
    assert len(rows) == 1 + 3 * 2 * 2  # steps, budgets, label seeds
    page = (ladder / "ablation.md").read_text()
    assert "| + RC colour dropping | – | – | – | – | no effect |" in page
    assert page.count("\n| + ") == 3 and "| all axes off |" in page
    assert (ladder / "ablation.png").read_bytes().startswith(b"\x89PNG")
    assert "not trained: RC" in done.stdout and "Helped here" in page
    # Directions and capacity are what the steps differ in.
    base, capacity = ((ladder / name / "recipe.json").read_text() for name in ("0-base", "1-MC"))
    assert base != capacity and '"left"' not in base.split('"asked"')[0]

    # What else a user evaluates on a step stays out of the table.
    cpc_keras("evaluate", "ladder/0-base", "--methods", "linear,knn", cwd=place, code=0)
    again = cpc_keras(*arguments, *settings, cwd=place, code=0)
    assert again.stdout.count("is trained: all 4 steps are done") == 3
    assert (ladder / "ablation.csv").read_text().splitlines() == rows
