import io

import numpy as np
from PIL import Image

from cpc_keras.curation.copies import Miniatures, groups_of_copies


def small(pictures):
    arrays = [np.asarray(one, "float32") / 255 for one in pictures]
    return np.concatenate([Miniatures()(one[None])["miniature"] for one in arrays])


def crops(photographs, count, side):
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 400 - side, (count, 2))
    return [Image.fromarray(photographs[index % 2][y : y + side, x : x + side]) for index, (y, x) in enumerate(corners)]


def jpeg(picture, quality):
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file)


def test_what_was_written_anew_resized_or_has_a_spot_more_is_a_copy(photographs):
    pictures = crops(photographs, 40, 160)
    one = pictures[3]
    spot = np.array(pictures[8])
    spot[80, 80] = 255 - spot[80, 80]
    copies = [jpeg(one, 60), one.resize((107, 107)), Image.fromarray(spot)]
    groups, differences = groups_of_copies(small([*pictures, *copies]))
    assert [group.tolist() for group in groups] == [[3, 40, 41], [8, 42]]
    found = [3, 8, 40, 41, 42]
    assert differences[found].max() < 0.1 and np.delete(differences, found).min() > 0.14


def test_what_all_are_like_is_no_copy():
    """Pieces of one sky differ little, and as much from each other as from any."""
    rng = np.random.default_rng(0)
    pieces = np.linspace(0.2, 0.8, 256) + 0.01 * rng.normal(size=(30, 256))
    groups, differences = groups_of_copies(np.concatenate([pieces, pieces[9:10] + 0.002 * rng.normal(size=256)]))
    assert [group.tolist() for group in groups] == [[9, 30]]
    assert differences.max() < 0.14


def test_what_is_moved_is_none(photographs):
    """Frames beside each other are for whoever looks at neighbours."""
    picture = photographs[0]
    pieces = [Image.fromarray(picture[100:260, x : x + 160]) for x in (0, 40, 80)]
    assert groups_of_copies(small(pieces))[0] == []


def test_blank_images_of_one_brightness_are_copies():
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(8, 20, 20, 1)).astype("float32")
    images[2], images[5], images[6] = 0.5, 1.0, 0.502
    groups, _ = groups_of_copies(Miniatures()(images)["miniature"])
    assert [group.tolist() for group in groups] == [[2, 6]]


def test_small_pictures_are_means_of_what_they_cover():
    image = np.arange(40 * 24, dtype="float32").reshape(1, 40, 24, 1) / 960
    found = Miniatures()(image)["miniature"].reshape(16, 16)
    # 2.5 rows and 1.5 columns each: the first covers rows 0 and 1 whole and half of row 2, column 0 and half of 1.
    weights = np.outer([1, 1, 0.5], [1, 0.5])
    np.testing.assert_allclose(found[0, 0], (weights * image[0, :3, :2, 0]).sum() / weights.sum(), rtol=1e-5)
    np.testing.assert_allclose(found.mean(), image.mean(), rtol=1e-5)
    enlarged = Miniatures()(np.eye(4, dtype="float32")[None, :, :, None])["miniature"].reshape(16, 16)
    np.testing.assert_array_equal(enlarged, np.kron(np.eye(4), np.ones((4, 4))))
