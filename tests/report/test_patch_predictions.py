import numpy as np

from cpc_keras.report.patch_predictions import pick_patches


def test_picks_are_patches_of_the_batch(small_cpc, photo_crops):
    model = small_cpc()
    picks = pick_patches(model, photo_crops, count=5, top=4, seed=1)
    patches = np.asarray(model.patch_extractor(photo_crops)).reshape(-1, 12, 12, 1)
    assert [(pick.direction, pick.offset) for pick in picks[:4]] == [("down", 2), ("down", 3), ("left", 2), ("left", 3)]
    for pick in picks:
        top, left, side = pick.box
        np.testing.assert_array_equal(pick.image[top : top + side, left : left + side], pick.true)
        assert len(pick.candidates) == 4
        probabilities = [probability for _, probability, _ in pick.candidates]
        assert probabilities == sorted(probabilities, reverse=True) and 0 < sum(probabilities) <= 1
        assert any(is_true for _, _, is_true in pick.candidates) == (pick.rank <= 4)
        for patch, _, is_true in pick.candidates:
            assert (np.abs(patches - patch).max(axis=(1, 2, 3)) == 0).any()
            assert not is_true or np.array_equal(patch, pick.true)


def test_what_was_seen_lies_behind_the_true_patch(small_cpc, photo_crops):
    """Down: rows above, up to the patch that the prediction is made from; left: columns to the right."""
    for pick in pick_patches(small_cpc(), photo_crops, count=8):
        top, left, side = pick.box
        if pick.direction == "down":
            edge = top - 4 * pick.offset + side
            assert pick.seen[:edge].all() and not pick.seen[edge:].any()
        else:
            edge = left + 4 * pick.offset
            assert pick.seen[:, edge:].all() and not pick.seen[:, :edge].any()
