import numpy as np
import pytest

from cpc_keras.data.image_set import ImageSet
from cpc_keras.detection.data.augmentation import color_jittered, mirrored, quarter_turned, resized
from cpc_keras.detection.data.batches import boxed_batches
from cpc_keras.detection.data.boxed_images import BoxedImages
from cpc_keras.detection.data.boxes import make_boxes
from cpc_keras.errors import InputError

SIZES = [(40, 60), (60, 40), (50, 50), (40, 60), (44, 44), (64, 32)]


def marked(height, width, box):
    """A dark image that is bright inside the box, and nowhere else."""
    image = np.zeros((height, width, 1), "uint8")
    left, top, right, bottom = box
    image[top:bottom, left:right] = 160
    return image


@pytest.fixture
def boxed():
    boxes = [(8, 4, 20, 28), (4, 8, 24, 20), (10, 12, 30, 30), (2, 2, 30, 12), (6, 20, 18, 40), (4, 30, 20, 60)]
    images = [marked(*size, box) for size, box in zip(SIZES, boxes, strict=True)]
    found = [make_boxes([box], [index % 3]) for index, box in enumerate(boxes)]
    hard = make_boxes([boxes[1], (0, 0, 5, 5)], [1, 2], [False, True])
    found[1] = hard
    images = ImageSet(
        "marked", "all", [str(i) for i in range(6)], images.__getitem__, np.array([(*s, 1) for s in SIZES])
    )
    return BoxedImages(images, found, ("a", "b", "c"))


def bright(image):
    rows, cols = (np.flatnonzero((image > 0.5).any(axis=axis)) for axis in (1, 0))
    return np.array([cols[0], rows[0], cols[-1] + 1, rows[-1] + 1])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"flip": True},
        {"turn": True},
        {"short_side": 60},
        {"short_side": 40, "scales": (0.5, 1.0, 1.5), "max_side": 55, "flip": True, "turn": True},
    ],
)
def test_boxes_move_with_what_they_surround(boxed, changes):
    seen = 0
    for images, labels in boxed_batches(boxed, 3, seed=1, steps=20, **changes):
        for image, boxes, classes, size in zip(
            images, labels["boxes"], labels["classes"], labels["sizes"], strict=True
        ):
            height, width = size.numpy().astype(int)
            assert not image[height:].numpy().any()
            assert not image[:, width:].numpy().any()
            (place,) = np.flatnonzero(classes >= 0)
            np.testing.assert_allclose(boxes[place], bright(image.numpy()[..., 0]), atol=1.0)
            seen += 1
    assert seen == 60


def test_colours_change_by_image_and_step_and_nothing_else_does(boxed):
    def seen(**changes):
        batches = boxed_batches(boxed, 6, seed=0, flip=True, steps=2, **changes)
        return [(images.numpy(), {name: value.numpy() for name, value in labels.items()}) for images, labels in batches]

    plain, changed, again = seen(), seen(color_jitter=0.8), seen(color_jitter=0.8)
    for (before, labels), (after, same), (repeated, _) in zip(plain, changed, again, strict=True):
        np.testing.assert_array_equal(after, repeated)
        for name, value in labels.items():
            np.testing.assert_array_equal(value, same[name])
        assert after.min() >= 0.0 and after.max() <= 1.0
        differences = np.abs(after - before).max(axis=(1, 2, 3))
        assert (differences > 0.001).all() and len(set(differences.round(4))) == 6
    assert np.abs(changed[0][0].max(axis=(1, 2, 3)) - changed[1][0].max(axis=(1, 2, 3))).max() > 0.01


def test_colours_change_as_far_as_told():
    image = np.random.default_rng(0).uniform(0.3, 0.6, (8, 8, 3)).astype("float32")
    middle = np.full(6, 0.5)
    np.testing.assert_allclose(color_jittered(image, 1.0, middle), image, atol=1e-6)
    np.testing.assert_allclose(color_jittered(image, 0.0, np.zeros(6)), image, atol=1e-6)
    redder = color_jittered(image, 0.5, [1.0, *middle[1:]])
    np.testing.assert_allclose(redder[..., 0], 1.15 * image[..., 0], rtol=1e-5)
    grey = color_jittered(image, 2.0, [*middle[:3], 0.0, *middle[4:]])
    np.testing.assert_allclose(grey, np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2), atol=1e-5)
    flat = color_jittered(image, 2.0, [*middle[:4], 0.0, 0.5])
    np.testing.assert_allclose(flat, np.broadcast_to(image.mean(axis=(0, 1)), image.shape), atol=1e-5)
    np.testing.assert_allclose(color_jittered(image, 0.5, [*middle[:5], 1.0]), image + 0.1, atol=1e-6)


def test_difficult_objects_are_marked(boxed):
    for _, labels in boxed_batches(boxed, 6, seed=0, steps=1):
        assert labels["classes"].shape == (6, 2)
        assert sorted(labels["classes"].numpy().ravel()) == [-2, -1, -1, -1, -1, -1, 0, 0, 1, 1, 2, 2]


def test_equal_images_of_a_step_stay_equal(boxed):
    """Padding would reach the statistics of a norm."""
    equal = boxed.subset([0, 3])
    sides = set()
    for images, labels in boxed_batches(equal, 2, seed=0, scales=(0.5, 1.0, 2.0), turn=True, steps=40):
        assert (labels["sizes"].numpy() == images.shape[1:3]).all()
        sides.add(tuple(images.shape[1:3]))
    assert len(sides) == 6, "three scales, upright and lying"


def test_a_limit_on_the_long_side_leaves_no_padding():
    images = ImageSet("grey", "all", ["0"], lambda _: np.full((96, 96, 1), 255, "uint8"), np.array([(96, 96, 1)]))
    boxed = BoxedImages(images, [make_boxes([(0, 0, 96, 96)], [0])], ("a",))
    for pictures, labels in boxed_batches(boxed, 1, seed=0, max_side=64, steps=1):
        assert pictures.shape == (1, 64, 64, 1)
        assert labels["boxes"][0, 0].numpy().tolist() == [0, 0, 64, 64]


def test_batches_are_a_function_of_seed_and_step(boxed):
    def listed(**changes):
        arguments = {"batch_size": 2, "seed": 3, "scales": (0.8, 1.0, 1.2), "flip": True, "steps": 9, **changes}
        return [(images.numpy(), labels["boxes"].numpy()) for images, labels in boxed_batches(boxed, **arguments)]

    whole, later, other = listed(), listed(start_step=4), listed(seed=4)
    assert len(whole) == 9
    for one, two in zip(whole[4:], later, strict=True):
        for first, second in zip(one, two, strict=True):
            np.testing.assert_array_equal(first, second)
    assert any(one[0].shape != two[0].shape or (one[0] != two[0]).any() for one, two in zip(whole, other, strict=True))


def test_workers_and_replicas_read_parts_of_the_same_batch(boxed):
    whole = [labels["boxes"].numpy() for _, labels in boxed_batches(boxed, 4, seed=0, steps=3)]
    parts = [
        [labels["boxes"].numpy() for _, labels in boxed_batches(boxed, 4, 0, steps=3, worker=w, workers=2, replicas=2)]
        for w in (0, 1)
    ]
    for step, boxes in enumerate(whole):
        split = [parts[w][2 * step + replica] for w in (0, 1) for replica in (0, 1)]
        np.testing.assert_array_equal(np.concatenate(split), boxes)


def test_two_mirrors_and_four_turns_are_none():
    image = np.random.default_rng(0).integers(0, 255, (30, 50, 3), "uint8")
    boxes = np.array([[3.0, 4, 20, 25]])
    for change, times in ((mirrored, 2), (quarter_turned, 4)):
        one = (image, boxes)
        for _ in range(times):
            one = change(*one)
        np.testing.assert_array_equal(one[0], image)
        np.testing.assert_array_equal(one[1], boxes)


def test_the_long_side_is_held_to_its_limit():
    image, scale = resized(np.zeros((100, 300, 3), "uint8"), 600, max_side=1000)
    assert image.shape == (333, 999, 3)
    np.testing.assert_allclose(scale, [3.33, 3.33, 3.33, 3.33])


def test_a_batch_must_not_exceed_the_images(boxed):
    with pytest.raises(InputError, match="`batch_size` must not exceed the number of images, 6"):
        boxed_batches(boxed, 7, seed=0)
