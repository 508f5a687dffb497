"""What a model card shows runs, in processes that do not have the package."""

import ast
import re

import numpy as np
import pytest

from cpc_keras import export
from cpc_keras.evaluation.features import pool
from cpc_keras.export.detector import detector_card
from cpc_keras.export.index import describe_artefact
from cpc_keras.export.model_card import model_card
from cpc_keras.tables import as_code, as_markdown
from tests.processes import STRANGER, run
from tests.wild_names import NAMES


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    from tests.conftest import build_small_cpc

    model = build_small_cpc()
    model.build((None, 28, 28, 1))
    kernel = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
    head = export.LinearHead(mean, kernel, np.zeros(3, "float32"), ("sky", "stone", "petal"))
    return export.save(model, tmp_path_factory.mktemp("artefacts") / "small", pooling=mean, head=head)


def mean(grid, whole):
    return pool("mean", grid, whole)


def snippets(path):
    return re.findall(r"```python\n(.*?)```", (path / "README.md").read_text(encoding="utf-8"), re.S)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "consumer"),
    list(enumerate(["hub.load", "hub.KerasLayer", "TFSMLayer", "keras_hub.models.ImageClassifier"])),
)
def test_snippet_runs(number, consumer, artefact):
    text = snippets(artefact)[number]
    assert consumer in text
    assert ("classify" in text) == (number == 0)
    done = run("-c", text, cwd=artefact.parent, imports=STRANGER)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("name", [*NAMES, 'a"b', "a\\n", "'\"", "``` {"])
def test_any_name_is_text_and_no_code(name, artefact):
    told = describe_artefact(artefact)
    told |= {"name": name, "pre_training": f"2 steps from {as_code(f'dir:{name}')}"}
    told["head"]["class_names"] = [name] * 3
    card = model_card(told)
    card.encode()
    found = [ast.parse(text) for text in re.findall(r"```python\n(.*?)```\n", f"{card}\n", re.S)]
    constants = [[node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)] for tree in found]
    assert [name in some for some in constants] == [True] * 4
    prose = re.sub(r"```python.*?```\n", "", f"{card}\n", flags=re.S)
    assert "<b>" not in re.sub(r"`+.*?`+", "", prose) and "\x1b" not in card and "\t" not in card
    assert f"in its order: {', '.join([as_markdown(name)] * 3)}." in prose
    rows = [line for line in prose.splitlines() if line.startswith("| pre-training")]
    assert len(rows) == 1 and len(rows[0].replace(r"\|", "").split("|")) == 4


def test_of_very_many_classes_the_first_are_named(artefact):
    told = describe_artefact(artefact)
    told["head"]["class_names"] = [f"class {index}" for index in range(500)]
    assert "class 98, class 99 and 400 more, see `model.json`." in model_card(told)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_how_probabilities_were_calibrated(name, artefact):
    told = describe_artefact(artefact)
    told["head"] |= {"class_names": ["cat", name], "held_out": 80, "temperature": 1.4142, "threshold": 0.3125}
    card = model_card(told)
    assert "logits were divided by 1.41, the temperature that 80 of these labels asked for" in card
    assert f"“{as_markdown(name)}” is said from a probability of 0.3125 on." in card
    told["head"] |= {"held_out": 0, "temperature": 1.0, "threshold": 0.5}
    card = model_card(told)
    assert "as they were fitted (temperature 1): no label could be held out" in card and "is said from" not in card
    del told["head"]["held_out"], told["head"]["temperature"], told["head"]["threshold"]  # as version 0.1 wrote it
    assert "temperature" not in model_card(told)


@pytest.mark.parametrize("name", NAMES)
def test_the_card_of_a_detector_has_names_as_text(name):
    input_ = {"channels": 3, "trained_on": f"9 images of {as_code(name)}"}
    told = {"name": name, "class_names": [name, "cat"], "input": input_, "weights": 9, "sha256": "0"}
    card = detector_card({**told, "versions": {"cpc_keras": "0.1"}})
    card.encode()
    snippet = re.findall(r"```python\n(.*?)```\n", card, re.S)[0]
    assert name in [node.value for node in ast.walk(ast.parse(snippet)) if isinstance(node, ast.Constant)]
    rows = [line for line in card.splitlines() if line.startswith("|")]
    assert {len(row.replace(r"\|", "").split("|")) for row in rows} == {4}
    assert any(f"{as_markdown(name)}, cat" in row for row in rows)


def test_every_snippet_is_run(artefact):
    assert len(snippets(artefact)) == 4
