"""The command line after training: export, predict, and what goes wrong there."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from PIL import Image

from cpc_keras.data.image_set import to_float
from cpc_keras.data.pipeline import encoding_batches
from cpc_keras.data.sources import open_source
from cpc_keras.evaluation.run_labels import open_labelled
from cpc_keras.runs.folder import RunFolder
from tests.commands import check_refusal, cpc_keras
from tests.export.kinds_of_files import write_kinds

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory, taken_home):
    return shutil.copytree(taken_home, tmp_path_factory.mktemp("home") / "place")


def test_programs_read_json_and_logs_may_be_silent(place):
    again = ("evaluate", "run", "--methods", "linear,propagated")
    told = json.loads(cpc_keras(*again, "--json", cwd=place, code=0).stdout)
    assert told == json.loads((place / "run" / "evaluation" / "label_efficiency.json").read_text())
    done = cpc_keras(*again, "--quiet", cwd=place, code=0)
    assert done.stdout + done.stderr == ""
    done = cpc_keras("--quiet", "evaluate", "run", "--methods", "magic", cwd=place, code=2)
    assert len((done.stdout + done.stderr).splitlines()) == 1


def first_result(records, method):
    """Of the first subset of four labels a class."""
    asked = (method, "cpc", 8, 0)
    (own,) = [r for r in records if (r["method"], r["encoder"], r["labels"], r["seed"]) == asked]
    return own


def test_the_card_tells_the_figures_of_what_is_exported(place):
    told = json.loads((place / "models" / "small" / "model.json").read_text())
    assert set(told["figures"]["signatures"]) == {"serving_default", "patch_grid", "feature_map", "selected"}
    records = json.loads((place / "run" / "evaluation" / "label_efficiency.json").read_text())
    own = [r["top1"] for r in records if (r["method"], r["encoder"], r["labels_per_class"]) == ("linear", "cpc", 4)]
    column = told["figures"]["budgets"].index("4 a class")
    assert told["figures"]["methods"]["CPC, frozen, linear probe"][column] == round(100 * float(np.mean(own)), 1)
    assert told["head"]["accuracy"] == round(100 * own[0], 1)  # the head is that of the first subset
    assert told["head"]["class_names"] == ["even", "odd"] and told["head"]["labels"] == 8
    card = (place / "models" / "small" / "README.md").read_text()
    assert f"`classify` was trained on 8 labels; test accuracy {told['head']['accuracy']:.1f} %" in card
    assert "/" not in told["name"]


def test_predicts_classes(place):
    arguments = ("predict", "models/small", "--data", "classes:labelled", "--out")
    cpc_keras(*arguments, "said.csv", cwd=place, code=0)
    cpc_keras(*arguments, "every.csv", "--probabilities", cwd=place, code=0)
    table, every = pd.read_csv(place / "said.csv"), pd.read_csv(place / "every.csv")
    assert list(table.columns) == ["path", "class", "probability"]
    assert list(every.columns) == [*table.columns, "p(even)", "p(odd)"] and every[table.columns].equals(table)
    np.testing.assert_allclose(every["p(even)"] + every["p(odd)"], 1.0, atol=2e-4)
    assert (every[["p(even)", "p(odd)"]].max(axis=1) == every["probability"]).all()
    assert len(table) == 16 and set(table["class"]) <= {"even", "odd"}
    assert table["probability"].between(0.5, 1.0).all()
    encoder = tf.saved_model.load(str(place / "models" / "small"))
    cpc_keras(
        "embed",
        "models/small",
        *("--data", "classes:labelled"),
        *("--signature", "classify"),
        "--out",
        "p.npz",
        cwd=place,
        code=0,
    )
    with np.load(place / "p.npz") as file:
        best = file["probabilities"].argmax(axis=1)
    assert encoder.signatures["classify"].structured_outputs["class_names"].shape.as_list() == [None, 2]
    assert [("even", "odd")[index] for index in best] == table["class"].tolist()


def test_two_classes_are_parted_where_one_wants(place):
    """The head is calibrated inside its eight labels, says where it would draw the line, and draws it as it is told."""
    told = json.loads((place / "models" / "small" / "model.json").read_text())["head"]
    assert told["held_out"] == 8 and 0.1 <= told["temperature"] <= 10 and 0 < told["threshold"] < 1
    records = json.loads((place / "run" / "evaluation" / "label_efficiency.json").read_text())
    own = first_result(records, "linear")
    assert (told["temperature"], told["threshold"]) == (round(own["temperature"], 4), round(own["threshold"], 6))
    words = f"“odd” is said from a probability of {told['threshold']:g} on."
    card = (place / "models" / "small" / "README.md").read_text()
    assert words in card and "8 of these labels asked for while they were held out" in card

    arguments = ("predict", "models/small", "--data", "classes:labelled", "--out", "parted.csv", "--probabilities")
    done = cpc_keras(*arguments, cwd=place, code=0)
    assert f"{words} For that, add --threshold {told['threshold']:g}." in " ".join(done.stdout.split())
    cpc_keras(*("embed", *arguments[1:5], "parted.npz"), "--signature", "classify", cwd=place, code=0)
    with np.load(place / "parted.npz") as file:
        of_odd = np.sort(file["probabilities"][:, 1])  # eight decimals, where the table has four
    middle = float(of_odd[7:9].mean())
    usual = pd.read_csv(place / "parted.csv")
    done = cpc_keras(*arguments, "--threshold", f"{middle:.8f}", cwd=place, code=0)
    assert f"“odd” is written from a probability of {middle:g} on." in done.stdout
    parted = pd.read_csv(place / "parted.csv")
    assert parted[["p(even)", "p(odd)"]].equals(usual[["p(even)", "p(odd)"]])
    is_odd = parted["class"] == "odd"
    assert is_odd.sum() == 8 and parted["p(odd)"][is_odd].min() >= parted["p(odd)"][~is_odd].max()
    np.testing.assert_array_equal(parted["probability"], np.where(is_odd, parted["p(odd)"], parted["p(even)"]))
    for nothing, value in (("even", 1), ("odd", 0)):
        cpc_keras(*arguments, "--threshold", value, cwd=place, code=0)
        assert set(pd.read_csv(place / "parted.csv")["class"]) == {nothing}


def test_the_head_gives_calibrated_probabilities(place):
    """Those of the test images are as sure as the evaluation measured: the log loss is that of the record."""
    records = json.loads((place / "run" / "evaluation" / "label_efficiency.json").read_text())
    own = first_result(records, "linear")
    told = json.loads((place / "models" / "small" / "model.json").read_text())
    test = open_labelled(RunFolder(place / "run").open(), f"classes:{place / 'labelled'}").test
    classify = tf.saved_model.load(str(place / "models" / "small")).signatures["classify"]
    (batch,) = encoding_batches(test, len(test), told["input"]["crop"])
    said = classify(batch)["probabilities"].numpy()
    likelihoods = np.log(said[np.arange(len(test)), test.labels])
    assert own["log_loss"] != pytest.approx(own["log_loss_before"], abs=1e-4)
    assert -likelihoods.mean() == pytest.approx(own["log_loss"], abs=1e-5)


def test_the_artefact_says_of_whole_images_what_predict_says(place, photographs):
    """Shrunk, enlarged, cropped, gray, of 16 bits, turned: within 1e-4 in every probability."""
    (place / "kinds").mkdir()
    paths = write_kinds(photographs[1][:310, 40:301], place / "kinds")
    for height, width in ((427, 640), (32, 32), (20, 90)):
        paths[f"{height}.png"] = place / "kinds" / f"{height}.png"
        Image.fromarray(photographs[0][:height, :width]).save(paths[f"{height}.png"])
    arguments = ("--data", "dir:kinds", "--out")
    cpc_keras("embed", "models/small", "--signature", "classify", *arguments, "kinds.npz", cwd=place, code=0)
    cpc_keras("predict", "models/small", *arguments, "kinds.csv", cwd=place, code=0)
    with np.load(place / "kinds.npz") as file:
        names, expected = file["paths"], file["probabilities"]
    assert len(names) == len(paths)
    signatures = tf.saved_model.load(str(place / "models" / "small")).signatures
    encoded = tf.stack([tf.io.read_file(str(place / name)) for name in names])
    said = signatures["classify_encoded"](encoded=encoded)
    np.testing.assert_allclose(said["probabilities"], expected, atol=1e-4)
    classes = said["class_names"].numpy()[0].astype(str)[said["probabilities"].numpy().argmax(axis=1)]
    assert pd.read_csv(place / "kinds.csv")["class"].tolist() == classes.tolist()
    images = open_source(f"dir:{place / 'kinds'}")
    for position, probabilities in enumerate(expected):
        array = images.read(position)
        forms = {"classify": to_float(array)} | ({"classify_uint8": array} if array.dtype == np.uint8 else {})
        for name, given in forms.items():
            said = signatures[name](tf.constant(given[None]))["probabilities"]
            np.testing.assert_allclose(said[0], probabilities, atol=1e-4, err_msg=images.ids[position])


def test_takes_the_images_of_every_split(place, photo_classes):
    for split, label in (("train", "even"), ("test", "odd")):
        shutil.copytree(photo_classes / label, place / "splits" / split / label)
    arguments = ("predict", "models/small", "--data", "classes:splits", "--out", "splits.csv")
    cpc_keras(*arguments, cwd=place, code=0)
    assert pd.read_csv(place / "splits.csv")["path"].str.contains("/test/odd/").sum() == 8
    # Of a file that is whole again no list is left.
    bad = place / "splits" / "test" / "odd" / "bad [1].png"
    bad.write_bytes(b"")
    assert str(bad.relative_to(place)) in cpc_keras(*arguments, cwd=place, code=0).stdout
    assert (place / "splits.csv.bad_files.csv").exists()
    bad.unlink()
    cpc_keras(*arguments, cwd=place, code=0)
    assert not (place / "splits.csv.bad_files.csv").exists()


def check_accuracy_of_head(place, name):
    """It is as accurate as its card says."""
    told = json.loads((place / "models" / name / "model.json").read_text())
    test = open_labelled(RunFolder(place / "run").open(), f"classes:{place / 'labelled'}").test
    classify = tf.saved_model.load(str(place / "models" / name)).signatures["classify"]
    said = [classify(batch) for batch in encoding_batches(test, len(test), told["input"]["crop"])]
    (names, *_), probabilities = said[0]["class_names"].numpy().astype(str), said[0]["probabilities"].numpy()
    right = names[probabilities.argmax(axis=1)] == np.array(test.class_names)[test.labels]
    assert right.mean() == pytest.approx(told["head"]["accuracy"] / 100, abs=1e-3)


def test_the_head_is_as_accurate_as_its_card_says(place):
    check_accuracy_of_head(place, "small")


def test_what_was_learnt_from_images_without_labels_is_taken_along(place):
    """One linear layer, as good as the evaluation said."""
    cpc_keras("export", "run", "models/spread", "--with-head", "--classifier", "propagated", cwd=place, code=0)
    told = json.loads((place / "models" / "spread" / "model.json").read_text())["head"]
    records = json.loads((place / "run" / "evaluation" / "label_efficiency.json").read_text())
    own = first_result(records, "propagated")
    assert (told["method"], told["labels"]) == ("propagated", 8) and told["unlabelled"] > 0
    assert told["accuracy"] == round(100 * own["top1"], 1)
    card = (place / "models" / "spread" / "README.md").read_text()
    assert f"trained on 8 labels and {told['unlabelled']} images without labels; test accuracy" in card
    check_accuracy_of_head(place, "spread")
    shutil.rmtree(place / "models" / "spread")


def test_without_the_images_the_encoder_alone_is_exported(place):
    (place / "labelled").rename(place / "elsewhere")
    try:
        done = cpc_keras("export", "run", "models/alone", cwd=place, code=0)
        assert "no accuracy goes along" in done.stdout and "`data` must name an existing folder" in done.stdout
        done = cpc_keras("export", "run", "models/never", "--with-head", cwd=place, code=2)
        assert "`data` must name an existing folder" in done.stderr and not (place / "models" / "never").exists()
    finally:
        (place / "elsewhere").rename(place / "labelled")
    told = json.loads((place / "models" / "alone" / "model.json").read_text())
    assert "figures" not in told and "selected" in told["signatures"]
    shutil.rmtree(place / "models" / "alone")
    # Other images now are not those that it was evaluated with.
    more = place / "labelled" / "even" / "more.png"
    shutil.copy(next((place / "labelled" / "odd").iterdir()), more)
    done = cpc_keras("export", "run", "models/never", "--with-head", cwd=place, code=2)
    assert "`RUN` was evaluated with other images or labels than are there now; evaluate it again" in done.stderr
    more.unlink()


def test_lists_what_there_is(place):
    shutil.copytree(place / "models" / "small", place / "models" / "torn")
    (place / "models" / "torn" / "model.json").write_text("{")
    shutil.copytree(place / "models" / "small", place / "models" / "foreign")
    (place / "models" / "foreign" / "model.json").write_text('{"signatures": {"a": 1}, "weights": "many"}')
    listed = json.loads(cpc_keras("models", "models", "--json", cwd=place, code=0).stdout)
    assert {one["path"]: "error" in one for one in listed} == {
        f"models/{name}": name != "small" for name in ("foreign", "small", "torn")
    }
    assert listed[1]["signatures"] and listed[1]["head"]["labels"] > 0
    done = cpc_keras("models", "models", cwd=place, code=0)
    assert "small" in done.stdout and "serving_default" in done.stdout and "8 labels" in done.stdout
    assert "torn" in done.stdout and done.stdout.count("damaged") == 2


CASES = {
    "no artefact": (
        "embed run --data classes:labelled --out a.npz",
        "`MODEL` must be a folder that `cpc-keras export`",
    ),
    "ending": ("embed models/small --data classes:labelled --out a.txt", "`--out` must end in .npz or .parquet"),
    "unknown signature": (
        "embed models/small --data classes:labelled --out a.npz --signature maps",
        "`--signature` must be one of classify, feature_map, features, patch_grid, selected, serving_default. "
        "Received: maps",
    ),
    "a signature of files": (
        "embed models/small --data classes:labelled --out a.npz --signature classify_encoded",
        "Received: classify_encoded",
    ),
    "nothing but bad files": (
        "predict models/small --data dir:broken --out a.csv",
        "`data` must hold an image that can be read. Received: dir:broken with 2 bad files of 2, such as broken/",
    ),
    "maps in a table": (
        "embed models/small --data classes:labelled --out a.parquet --signature patch_grid",
        "`--out` must end in .npz for patch_grid, which gives no vectors",
    ),
    "format": (
        "export run b.tflite --format tflite",
        "`--format` must be one of saved_model, onnx, litert. Received: tflite",
    ),
    "ending of a format": ("export run b --format litert", "`DEST` must end in .tflite for --format litert"),
    "a classifier that was not evaluated": (
        "export bare b --with-head --classifier propagated",
        "`--with-head` must be asked of a run that was evaluated with --methods propagated. Received: bare",
    ),
    "a classifier without a head": (
        "export run b --classifier propagated",
        "`--classifier` is for --with-head. Received: --classifier propagated without",
    ),
    "no share": (
        "predict models/small --data classes:labelled --out a.csv --threshold 1.5",
        "`--threshold` must lie in [0, 1]. Received: 1.5",
    ),
    "no models": ("models labelled", "`FOLDER` must hold a folder that `cpc-keras export` wrote. Received: labelled"),
}


@pytest.mark.parametrize("case", CASES)
def test_says_what_is_wrong(case, place):
    check_refusal(*CASES[case], place)


def test_a_head_needs_labels(place):
    done = cpc_keras("export", "bare", "models/bare", "--with-head", cwd=place, code=2)
    assert (
        "`--with-head` must be asked of a run that was evaluated with --methods linear. Received: bare" in done.stderr
    )
    cpc_keras("export", "bare", "plain", cwd=place, code=0)
    done = cpc_keras("predict", "plain", "--data", "classes:labelled", "--out", "no.csv", cwd=place, code=2)
    assert "`MODEL` must be exported with --with-head" in done.stderr
    assert not (place / "no.csv").exists()
