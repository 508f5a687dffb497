import pytest

from cpc_keras.pretraining.health import verdict


@pytest.mark.parametrize(
    ("loss", "embedding_std", "done", "words"),
    [
        (3.0, 0.6, 0.5, "loss below chance, no collapse"),
        (6.65, 0.6, 0.05, "still at chance, as is usual at the start"),
        (6.65, 0.6, 0.5, "WARNING: training has not left chance"),
        (3.0, 0.01, 0.5, "WARNING: the codes have collapsed"),
        (6.65, 0.01, 0.05, "still at chance"),
        (float("nan"), 0.6, 0.5, "WARNING: the loss is not a number"),
    ],
)
def test_says_in_words_whether_the_loss_is_ok(loss, embedding_std, done, words):
    assert verdict(loss, chance=6.68, embedding_std=embedding_std, share_done=done).startswith(words)
