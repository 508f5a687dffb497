"""An encoder carried over to finding tree crowns in aerial photographs, as a user types it."""

import json
import pathlib
import re

import pandas as pd
import pytest
from PIL import Image

from cpc_keras.storage.owner import owned_folder, owned_output
from tests.commands import RECIPE, check_refusal, cpc_keras

pytestmark = pytest.mark.slow
# What `make trees` fetches.
TREES = pathlib.Path(__file__).parent.parent.parent / ".cache" / "trees"
SMALL = '''"""Small enough to train in a test."""
data = "voc:train"
test = "voc:test"
short_side = None
scales = (0.8, 1.0)
max_side = None
tile = 160
tile_overlap = 60
turn = True
rpn_width = 8
roi_size = 4
head_blocks = 1
head_width = 8
head_bottleneck = None
candidates = (64, 64)
proposals = (32, 32)
rpn_batch = 16
roi_batch = 8
batch_size = 2
steps = 4
score_threshold = 0.0
fractions = (0.5, 1.0)
seeds = (2, 1)
backbones = ("cpc", "scratch")
'''


def piece(name, side, place):
    """A corner of an annotated photograph, with its annotation; boxes beyond it are cut or left out."""
    place.mkdir()
    (image,) = (TREES / name).glob("*.png")
    with Image.open(image) as whole:
        width, height = whole.size
        whole.crop((width - side, height - side, width, height)).save(place / image.name)
    annotation = image.with_suffix(".xml").read_text()
    for axis, offset in (("x", width - side), ("y", height - side)):
        for end in ("min", "max"):
            parts = annotation.split(f"<{axis}{end}>")
            moved = [f"{int(part.split('<', 1)[0]) - offset}<{part.split('<', 1)[1]}" for part in parts[1:]]
            annotation = f"<{axis}{end}>".join([parts[0], *moved])
    annotation = re.sub(r"<(width|height)>\d+", rf"<\1>{side}", annotation)
    (place / image.name).with_suffix(".xml").write_text(annotation)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("detect")
    for name in ("train", "test"):
        piece(name, 400, place / name)
    (place / "trees.py").write_text(RECIPE + 'tile = 100\nchannels = 3\nstem = "medium"\n')
    (place / "detector.py").write_text(SMALL)
    cpc_keras("pretrain", "trees.py", "--data", "voc:train", "--run", "run", cwd=place, code=0)
    return place


@pytest.fixture(scope="module")
def detected(place):
    return cpc_keras("detect", "run", "--recipe", "detector.py", "--export", "found", cwd=place, code=0)


def test_says_what_it_learns_from_and_how_well_it_finds(place, detected):
    assert "16 tiles with" in detected.stdout
    assert "tested on 1 images with" in detected.stdout
    assert "Boxes that reach beyond their image and are cut off at its edge" in detected.stdout
    assert "CPC, fine-tuned, ahead of scratch" in " ".join(detected.stdout.split())
    assert "By VOC 2007's 11 points, at 100%: CPC, fine-tuned" in detected.stdout
    folder = place / "run" / "detection" / "voc_train"
    records = json.loads((folder / "results.json").read_text())
    assert [(r["backbone"], r["fraction"], r["seed"], r["images"]) for r in records] == [
        *(("cpc", 0.5, 0, 8), ("cpc", 0.5, 1, 8), ("scratch", 0.5, 0, 8), ("scratch", 0.5, 1, 8)),
        *(("cpc", 1.0, 0, 16), ("scratch", 1.0, 0, 16)),
    ]
    assert all(0 <= record["map_50"] <= 1 for record in records)
    assert set(records[0]["ap_50"]) == {"Tree"}
    summary = pd.read_csv(folder / "summary.csv")
    assert summary["ahead"].notna().sum() == 2
    for picture in ("detections.png", "map.png"):
        with Image.open(folder / picture) as image:
            assert min(image.size) > 200
    assert not list((folder / "models").glob(".*")), "no state of a training is left"


def test_the_detector_goes_home(place, detected):
    told = json.loads((place / "found" / "model.json").read_text())
    assert told["class_names"] == ["Tree"]
    assert "CPC, fine-tuned, resnet pre-trained on `voc:train`" in told["encoder"]
    assert "trained on 31 boxes" in told["figure"]
    assert (place / "found" / "saved_model.pb").is_file()
    assert "found" in cpc_keras("models", ".", cwd=place, code=0).stdout


def test_run_again_it_computes_what_is_missing(place, detected):
    cells = place / "run" / "detection" / "voc_train" / "cells"
    before = {path.name: path.stat().st_mtime_ns for path in cells.iterdir()}
    (gone,) = cells.glob("scratch-0.5-seed1-*.npz")
    gone.unlink()
    cpc_keras("detect", "run", "--recipe", "detector.py", "--backbone", "scratch", cwd=place, code=0)
    after = {path.name: path.stat().st_mtime_ns for path in cells.iterdir()}
    assert {name for name in after if after[name] != before.get(name)} == {gone.name}
    records = json.loads((cells.parent / "results.json").read_text())
    assert {record["backbone"] for record in records} == {"cpc", "scratch"}, "what other calls computed is there too"


def test_has_one_owner(place, detected):
    said = "must be a folder that no other command is writing to. Received: "
    with owned_folder(place / "run" / "detection" / "voc_train", "RUN"):
        check_refusal("detect run --recipe detector.py", f"`RUN` {said}run/detection/voc_train, which process", place)
    with owned_output(place / "found", "--export"):
        check_refusal("detect run --recipe detector.py --export found", f"`--export` {said}found, which process", place)


def test_the_report_shows_it(place, detected):
    cpc_keras("report", "run", cwd=place, code=0)
    page = (place / "run" / "report" / "index.html").read_text()
    assert "Carried over to detection: voc_train" in page
    assert "ahead of scratch by (95 % interval)" in page
    assert page.count("data:image/png") >= 5


def test_stands_on_an_exported_encoder_and_on_a_classifiers(place, detected):
    import keras

    from cpc_keras.models import ResNet

    cpc_keras("export", "run", "exported", cwd=place, code=0)
    backbone = ResNet((8, 16), (1, 1), stem="medium", input_shape=(None, None, 3))
    images = keras.Input((28, 28, 3))
    classifier = keras.layers.Dense(5)(keras.layers.GlobalAveragePooling2D()(backbone(images)))
    keras.Model(images, classifier).save(place / "supervised.keras")
    arguments = ["--backbone", "exported", "--backbone", "supervised.keras", "--set", "precision=mixed_bfloat16"]
    arguments += ["--set", "fractions=(1.0,)", "--set", "seeds=2"]
    command = ["detect", "run", "--recipe", "detector.py", *arguments]
    cpc_keras(*command, cwd=place, code=0)
    results = place / "run" / "detection" / "voc_train" / "results.json"
    records = json.loads(results.read_text())
    expected = [(backbone, seed) for backbone in ("exported", "supervised") for seed in (0, 1)]
    assert [(record["backbone"], record["seed"]) for record in records] == expected
    # Every detector began with the backbone as it was read, or the second call would not find what the first one did.
    cells = results.parent / "cells"
    before = {path.name: path.stat().st_mtime_ns for path in cells.iterdir()}
    cpc_keras(*command, cwd=place, code=0)
    assert {path.name: path.stat().st_mtime_ns for path in cells.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("detect run --recipe detector.py --data dir:train", "`data` must be voc:PATH or tfds:NAME, which have boxes"),
        ("detect run --recipe detector.py --test voc:train", "`test` must show other images than `data`"),
        (
            "detect run --recipe detector.py --backbone nothing.keras",
            "`--backbone` must be a .keras file or an exported",
        ),
        (
            "detect run --recipe detector.py --backbone a/x.keras --backbone b/x.keras",
            "`--backbone` must be files of different",
        ),
        ("detect run --recipe detector.py --export train", "`--export` must be a new folder or an older export"),
        ("detect run --recipe trees.py", "A recipe's fields must be known ones. Received: 'crop'"),
    ],
)
def test_bad_input_is_one_line(place, detected, arguments, message):
    check_refusal(arguments, message, place)
