"""What README, pages and notebooks show runs, on small runs and few images."""

import json
import pathlib
import shlex
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

import cpc_keras
from tests.commands import cpc_keras as command
from tests.processes import run
from tests.snippets import NOTEBOOKS, code_cells, snippets

pytestmark = pytest.mark.slow
RUN = [one for one in snippets() if one.how == "run"]
# Two steps in place of a quarter of an hour, and one direction in place of four, which takes a quarter of the tracing.
SMALL = (
    *("--set", "steps=2", "--set", "widths=(8, 16)", "--set", "blocks=(1, 1)"),
    *("--set", "context_width=8", "--set", "directions=('down',)"),
)


def shown(page, language):
    return [pytest.param(one, id=str(one)) for one in RUN if one.page == page and one.language == language]


def smaller(code):
    """One direction in place of four, which takes a quarter of the tracing."""
    return code.replace('("down", "up", "right", "left")', '("down",)')


def of_page(snippet, names):
    """Runs a piece of Python with these names; returns what it leaves."""
    exec(compile(smaller(snippet.text), str(snippet), "exec"), names)
    return names


@pytest.fixture(scope="module")
def images(tmp_path_factory, photo_folder):
    """`photos` and `labels.csv`: eight of sixteen are labelled."""
    place = tmp_path_factory.mktemp("pages")
    shutil.copytree(photo_folder, place / "photos")
    names = sorted(path.name for path in (place / "photos").iterdir())
    rows = [f"photos/{name},{('even', 'odd')[number % 2]}\n" for number, name in enumerate(names[:8])]
    (place / "labels.csv").write_text("path,label\n" + "".join(rows))
    shutil.copy(place / "photos" / "photo1.jpg", place / "photo.jpg")
    return place


@pytest.fixture(scope="module")
def followed(images):
    """The road of one's own images, as `docs/get-started.md` shows it."""
    (road,) = [one for one in RUN if one.page == "docs/get-started.md" and one.language == "console"]
    for line in road.commands:
        words = shlex.split(line)[1:]
        command(*words, *(SMALL if words[0] == "pretrain" else ()), cwd=images, code=0)
    return images


@pytest.fixture(scope="module")
def classes(tmp_path_factory, pretrained, followed):
    """The same with a run on images in classes as `runs/mine`."""
    place = tmp_path_factory.mktemp("classes")
    shutil.copytree(pretrained / "labelled", place / "labelled")
    shutil.copytree(pretrained / "run", place / "runs" / "mine")
    shutil.copytree(followed / "photos", place / "photos")
    shutil.copytree(followed / "saved_models", place / "saved_models")
    shutil.copy(followed / "labels.csv", place)
    return place


def test_the_readme_shows_the_same_road(followed):
    """It is that of `docs/get-started.md`, which leads from images to a class of each."""
    road = {one.page: one.commands for one in RUN if "the road of one's own images" in one.why}
    assert road["README.md"] == road["docs/get-started.md"] and len(road["README.md"]) == 6
    assert (followed / "classes.csv").read_text().startswith("path,class,probability\n")
    assert len((followed / "classes.csv").read_text().splitlines()) == 17
    assert (followed / "runs" / "mine" / "report" / "index.html").is_file()


@pytest.mark.parametrize("page", ["how-many-labels", "which-images", "exports", "recipes"])
def test_commands_of_pages(page, classes, followed):
    found = [one for one in RUN if one.page == f"docs/{page}.md" and one.language == "console"]
    assert found
    for one in found:
        for line in one.commands:
            words = shlex.split(line)[1:]
            small = SMALL if words[0] == "pretrain" else ()
            command(*words, *small, cwd=classes if page == "how-many-labels" else followed, code=0)


@pytest.mark.parametrize("page", ["README.md", "docs/get-started.md"])
def test_training_in_python(page, photo_crops, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (snippet,) = [one for one in RUN if one.page == page and one.language == "python"]
    names = of_page(snippet, {"images": np.concatenate([photo_crops, photo_crops[:4]]), "labels": np.arange(16) % 2})
    assert set(names["table"]["encoder"]) == {"cpc", "pixels"}
    assert tf.saved_model.contains_saved_model(str(tmp_path / "saved_models" / "mine"))
    assert "grid" not in names or names["grid"].shape == (8, 5, 5, 128)


def test_callbacks_in_python(photo_crops):
    (snippet,) = [one for one in RUN if one.page == "docs/trackers.md"]
    (row,) = of_page(snippet, {"images": photo_crops})["rows"]
    assert {"loss", "accuracy", "embedding_std"} <= set(row)


def test_learning_from_unlabelled_images_in_python(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (snippet,) = [one for one in RUN if one.page == "docs/semi-supervised.md" and one.language == "python"]
    model = of_page(snippet, {})["model"]
    images = np.zeros((2, 16, 16, 1), "float32")
    kept = keras.saving.load_model(tmp_path / "classifier.keras")
    np.testing.assert_allclose(kept(images), model(images), atol=1e-6)


def test_detection_in_python(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (snippet,) = [one for one in RUN if one.page == "docs/detection.md" and one.language == "python"]
    names = {
        "backbone": cpc_keras.models.ResNet((16, 16), (1, 1), stem="medium", input_shape=(None, None, 1)),
        "pictures": np.random.default_rng(0).uniform(size=(2, 64, 64, 1)).astype("float32"),
        "boxes": np.array([[[8.0, 8.0, 30.0, 40.0]], [[20.0, 10.0, 50.0, 40.0]]]),
        "classes": np.array([[3], [-1]]),
        "class_names": list("abcdefghij"),
    }
    assert of_page(snippet, names)["found"]["boxes"].shape == (2, 100, 4)
    assert tf.saved_model.contains_saved_model(str(tmp_path / "saved_models" / "detector"))


def test_tuning_in_python(photo_crops, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (snippet,) = [one for one in RUN if one.page == "docs/tuning.md" and one.language == "python"]
    assert len(snippet.text.strip().splitlines()) <= 10
    names = {
        "encoder": cpc_keras.models.ResNet((8, 16), (1, 1), stem="medium", input_shape=(None, None, 1)),
        "images": photo_crops,
        "labels": np.arange(12) % 2,
        "test_images": photo_crops[:3],
    }
    exec(snippet.text.replace("max_trials=30", "max_trials=2"), names)
    assert names["predicted"].shape == (3,)


@pytest.mark.parametrize("snippet", shown("docs/exports.md", "python"))
def test_programs_that_use_an_export(snippet, followed):
    """Each in a process of its own, in which this package cannot be imported."""
    for kind, file in (("onnx", "mine.onnx"), ("litert", "mine.tflite")):
        if file in snippet.text and not (followed / file).exists():
            command("export", "runs/mine", file, "--format", kind, cwd=followed, code=0)
    program = followed / "program.py"
    crop = json.loads((followed / "saved_models" / "mine" / "model.json").read_text())["input"]["crop"]
    text = snippet.text.replace("28, 28", f"{crop}, {crop}")
    program.write_text(f"import sys\nsys.modules['cpc_keras'] = None\n{text}")
    done = run(program, cwd=followed, fresh=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks(notebook, tmp_path):
    """Fewer images and steps than there; magic of notebooks as what it stands for."""
    code = smaller("\n".join(code_cells(notebook))).replace("range(1500)", "range(80)").replace("1000", "64")
    code = code.replace("--set steps=200", shlex.join(SMALL)).replace("epochs=4", "epochs=1")
    code = code.replace("--count 40", "--count 20").replace("(2, 10)", "(1,)").replace("seeds=2", "seeds=1")
    lines = []
    for line in code.splitlines():
        if line.startswith("%cd -q "):
            line = "import os; os.chdir(place)"
        elif line.startswith("!cpc-keras "):
            line = f"subprocess.run([sys.executable, '-m', 'cpc_keras', *{shlex.split(line)[1:]!r}], check=True)"
        lines.append(line)
    program = pathlib.Path(tmp_path, f"{notebook.stem}.py")
    program.write_text("import subprocess, sys\n" + "\n".join(lines) + "\n")
    done = run(program, cwd=tmp_path, fresh=True)
    assert done.returncode == 0, done.stdout + done.stderr
