"""The surest mistakes, on pieces of real photographs."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from cpc_keras.data.image_set import from_arrays
from cpc_keras.data.labelled_images import LabelledImages
from cpc_keras.report.mistakes import MISTAKES, mistakes_section, surest_mistakes
from cpc_keras.runs.folder import RunFolder
from tests.wild_names import NAMES


@pytest.fixture
def labelled(photographs):
    """Forty pieces, sky and flower in turn."""
    pieces = [photographs[index % 2][8 * index : 8 * index + 32, :48] for index in range(40)]
    images = from_arrays(np.stack(pieces), np.arange(40) % 2, ("sky", "flower"))
    return LabelledImages(images, images)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "report").mkdir()
    return RunFolder(tmp_path)


def result(predicted, confidence, seed=0):
    record = {"method": "linear", "encoder": "cpc", "labels": 10, "seed": seed}
    return record, {"predicted": np.asarray(predicted), "confidence": np.asarray(confidence, "float32")}


def test_the_surest_come_first_and_what_is_right_or_no_number_never():
    truth = np.arange(200) % 3
    rng = np.random.default_rng(0)
    predicted, confidence = rng.integers(3, size=200), rng.uniform(size=200)
    confidence[7] = np.nan
    expected = [i for i in np.argsort(-confidence) if predicted[i] != truth[i] and i != 7][:MISTAKES]
    (_, arrays) = result(predicted, confidence)
    assert surest_mistakes(arrays, truth).tolist() == expected
    assert len(surest_mistakes(arrays, truth, 5)) == 5


def test_a_mistake_has_its_picture_its_name_and_what_was_said(folder, labelled):
    predicted = np.arange(40) % 2
    predicted[[3, 10]] = 0, 1
    confidence = np.full(40, 0.99)
    confidence[[3, 10]] = 0.75, 0.875
    other = result(1 - predicted, confidence, seed=1)
    section = mistakes_section(folder, [other, result(predicted, confidence)], labelled, labelled.test_images)
    assert [row.cells for row in section.table.rows] == [
        (f"1. {labelled.test.ids[10]}", "sky", "flower", "87.5"),
        (f"2. {labelled.test.ids[3]}", "flower", "sky", "75.0"),
    ]
    assert "CPC, frozen, linear probe, 10 labels" in section.note
    with Image.open(folder.report / section.picture) as image:
        assert image.size[0] > 1000


def test_no_more_than_fit_on_a_page_are_shown(folder, labelled):
    section = mistakes_section(
        folder, [result(1 - np.arange(40) % 2, np.full(40, 0.5))], labelled, labelled.test_images
    )
    assert len(section.table.rows) == MISTAKES == 24
    with Image.open(folder.report / section.picture) as image:
        assert max(image.size) < 2000


def test_without_mistakes_that_is_said(folder, labelled):
    section = mistakes_section(folder, [result(np.arange(40) % 2, np.ones(40))], labelled, labelled.test_images)
    assert section.picture is None and section.note.startswith("None of the 40 test images was got wrong by")


def test_results_of_an_earlier_version_have_none(folder, labelled):
    record, arrays = result(np.zeros(40, int), np.ones(40))
    del arrays["confidence"]
    assert mistakes_section(folder, [(record, arrays)], labelled, labelled.test_images) is None


@pytest.mark.parametrize("name", NAMES)
def test_names_are_text(name, folder, labelled):
    images = dataclasses.replace(labelled.train, ids=[name] * 40, class_names=(name, "other"))
    section = mistakes_section(folder, [result(np.zeros(40, int), np.ones(40))], LabelledImages(images, images), images)
    assert "<b>" not in section.table.html() and len(section.table.rows) == 20
