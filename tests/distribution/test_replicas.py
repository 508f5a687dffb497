"""Two replicas, in one process and in two, take the same step as one device with the same global batch."""

import numpy as np
import pytest

from tests.processes import finish, start, start_workers

pytestmark = pytest.mark.slow
TRAIN = "tests.distribution.train"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("replicas")
    for name in ("one", "mirrored", "worker0", "worker1"):
        (place / name).mkdir()
    finish([start("-m", TRAIN, name, place / name) for name in ("one", "mirrored")])
    finish(start_workers(2, lambda index: ("-m", TRAIN, "workers", place / f"worker{index}")))
    return place


def results(place, name, optimizer):
    with np.load(place / name / f"{optimizer}.npz") as file:
        return {key: file[key].astype("float64") for key in file.files}


def distance(one, two):
    return np.linalg.norm(one - two) / np.linalg.norm(one)


@pytest.mark.parametrize("replicas", ["mirrored", "worker0", "worker1"])
def test_gradients_are_those_of_one_device(place, replicas):
    """Patch augmentation and clipping by the global norm are on."""
    one, many = results(place, "one", "recorder"), results(place, replicas, "recorder")
    gradients = [key for key in one if key.startswith("gradient/")]
    assert len(gradients) > 40
    norm = np.sqrt(sum(np.sum(one[key] ** 2) for key in gradients))
    assert norm == pytest.approx(0.01, rel=1e-5), "clipping was at work"
    for key in gradients:
        assert distance(one[key], many[key]) <= 1e-5, key


@pytest.mark.parametrize("replicas", ["mirrored", "worker0", "worker1"])
@pytest.mark.parametrize(("optimizer", "bound"), [("sgd", 1e-5), ("adam", 1e-3)])
def test_weights_and_averages_after_twenty_steps(place, replicas, optimizer, bound):
    """The last step of plain descent is that of an uneven batch."""
    one, many = results(place, "one", optimizer), results(place, replicas, optimizer)
    compared = [key for key in one if key.startswith(("weight/", "average/"))]
    assert any(key.startswith("average/") for key in compared) == (optimizer == "adam")
    for key in compared:
        assert distance(one[key], many[key]) <= bound, key


@pytest.mark.parametrize("replicas", ["mirrored", "worker0", "worker1"])
def test_logs_are_those_of_the_global_batch(place, replicas):
    one, many = results(place, "one", "adam"), results(place, replicas, "adam")
    logs = [key for key in one if key.startswith("log/")]
    assert {"log/loss", "log/chance", "log/accuracy", "log/embedding_std", "log/loss_left_3"} <= set(logs)
    for key in logs:
        assert many[key] == pytest.approx(one[key], rel=1e-5), key
    assert one["log/chance"] == pytest.approx(np.log(8 * 25))
    assert len(set(one["digests"])) == 20
    np.testing.assert_array_equal(many["digests"], one["digests"])
