import numpy as np
import pytest

from cpc_keras.data.image_set import ImageSet, to_float
from cpc_keras.data.pipeline import encoding_batches, training_batches
from cpc_keras.errors import InputError


@pytest.fixture
def images(photographs):
    arrays = [photographs[i % 2][i : i + 20 + i % 3, i : i + 24] for i in range(11)]
    return ImageSet("test", "all", [str(i) for i in range(11)], arrays.__getitem__, np.array([a.shape for a in arrays]))


def collect(images, **kwargs):
    arguments = {"batch_size": 4, "crop": 16, "seed": 3, "steps": 9, **kwargs}
    return [(x.numpy(), p.numpy()) for x, p in training_batches(images, **arguments)]


def test_is_a_function_of_seed_and_step(images):
    whole, again = collect(images, flip=True), collect(images, flip=True)
    late = collect(images, flip=True, start_step=5)
    assert len(whole) == 9 and len(late) == 4
    for one, two in [*zip(whole, again, strict=True), *zip(whole[5:], late, strict=True)]:
        np.testing.assert_array_equal(one[0], two[0])
        np.testing.assert_array_equal(one[1], two[1])
    other = collect(images, seed=4)
    assert any((one[1] != two[1]).any() for one, two in zip(whole, other, strict=True))


def test_an_epoch_shows_no_image_twice_and_epochs_differ(images):
    positions = [p for _, p in collect(images)]
    epochs = [np.concatenate(positions[first : first + 2]) for first in (0, 2, 4, 6)]
    assert all(len(set(epoch)) == 8 for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert set(np.concatenate(epochs)) == set(range(11))


def test_crops_come_from_their_images(images):
    for batch, positions in collect(images):
        for crop, position in zip(batch, positions, strict=True):
            whole = to_float(images.read(int(position)))
            places = [(top, left) for top in range(whole.shape[0] - 15) for left in range(whole.shape[1] - 15)]
            assert any(np.array_equal(crop, whole[row : row + 16, col : col + 16]) for row, col in places)


def test_flip_mirrors_about_half(images):
    plain, flipped = collect(images), collect(images, flip=True)
    same = [
        np.array_equal(a, b)
        for (one, _), (two, _) in zip(plain, flipped, strict=True)
        for a, b in zip(one, two, strict=True)
    ]
    assert 0.2 < np.mean(same) < 0.8


def test_padding_surrounds_the_image_with_zeros(images):
    batch, _ = collect(images, crop=40, pad=10, steps=1)[0]
    assert (batch[:, 0] == 0.0).all()
    assert batch.max() > 0.0


def test_encoding_takes_each_centre_once(images):
    batches = list(encoding_batches(images, batch_size=4, crop=16))
    assert [len(batch) for batch in batches] == [4, 4, 3]
    rows = images.sizes[5, 0]
    top = (rows - 16) // 2
    np.testing.assert_array_equal(batches[1][1], to_float(images.read(5))[top : top + 16, 4:20])


def test_no_pipeline_waits_for_a_tuner(images):
    """An iterator that ends waits for the thread of tf.data's tuner, which sleeps ever longer."""
    for dataset in (training_batches(images, 4, crop=8, seed=0), encoding_batches(images, 4, crop=8)):
        assert dataset.map(lambda *batch: batch).options().autotune.enabled is False


def test_refuses_what_does_not_fit(images):
    with pytest.raises(InputError, match="`batch_size` must not exceed the number of images, 11.*batch_size=12"):
        training_batches(images, 12, 16, 0)
    with pytest.raises(InputError, match="`crop` must not exceed the smallest image, 0 with 20 × 24 px.*crop=21"):
        encoding_batches(images, 4, 21)


def test_the_parts_of_workers_and_replicas_are_the_batch(images):
    whole = collect(images, batch_size=4, crop=16, seed=5, start_step=3, steps=9, flip=True)
    parts = [
        collect(
            images, batch_size=4, crop=16, seed=5, start_step=3, steps=9, flip=True, worker=w, workers=2, replicas=2
        )
        for w in range(2)
    ]
    assert [len(part) for part in parts] == [12, 12]
    for step, (pixels, positions) in enumerate(whole):
        pieces = [parts[worker][2 * step + replica] for worker in range(2) for replica in range(2)]
        np.testing.assert_array_equal(np.concatenate([piece[0] for piece in pieces]), pixels)
        np.testing.assert_array_equal(np.concatenate([piece[1] for piece in pieces]), positions)
