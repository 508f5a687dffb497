import numpy as np

from cpc_keras.report.patch_predictions import predict_patches


def test_candidates_are_patches_of_the_batch(small_cpc, photo_crops):
    model = small_cpc()
    predictions = predict_patches(model, photo_crops, count=5, top=4, seed=1)
    patches = np.asarray(model.patch_extractor(photo_crops)).reshape(-1, 12, 12, 1)
    tasks = [(one.direction, one.offset) for one in predictions[:4]]
    assert tasks == [("down", 2), ("down", 3), ("left", 2), ("left", 3)]
    for prediction in predictions:
        top, left, side = prediction.box
        np.testing.assert_array_equal(prediction.image[top : top + side, left : left + side], prediction.true)
        assert len(prediction.candidates) == 4
        probabilities = [probability for _, probability, _ in prediction.candidates]
        assert probabilities == sorted(probabilities, reverse=True) and 0 < sum(probabilities) <= 1
        assert any(is_true for _, _, is_true in prediction.candidates) == (prediction.rank <= 4)
        for patch, _, is_true in prediction.candidates:
            assert (np.abs(patches - patch).max(axis=(1, 2, 3)) == 0).any()
            assert not is_true or np.array_equal(patch, prediction.true)


def test_what_was_seen_lies_behind_the_true_patch(small_cpc, photo_crops):
    """Down: rows above, up to the patch that the prediction is made from; left: columns to the right."""
    for prediction in predict_patches(small_cpc(), photo_crops, count=8):
        top, left, side = prediction.box
        if prediction.direction == "down":
            edge = top - 4 * prediction.offset + side
            assert prediction.seen[:edge].all() and not prediction.seen[edge:].any()
        else:
            edge = left + 4 * prediction.offset
            assert prediction.seen[:, edge:].all() and not prediction.seen[:, :edge].any()
