import numpy as np
import pytest

from cpc_keras.describing.cost import without_weights
from cpc_keras.models import ClassifierHead


@pytest.mark.parametrize("kind", ["mean", "grid3", "resnet"])
def test_every_class_is_as_likely_before_a_label_is_seen(kind):
    head = ClassifierHead((5, 5, 8), classes=4, kind=kind, blocks=1, width=16, bottleneck=4)
    maps = np.random.default_rng(0).normal(size=(3, 5, 5, 8))
    np.testing.assert_allclose(head(maps), 0.25, atol=1e-6)


def test_published_head_has_eleven_blocks_of_4096_channels():
    """Bottleneck blocks on a map of 4096 channels: 1×1, 3×3, 1×1 and three norms each, no shortcuts."""
    head = without_weights(lambda: ClassifierHead((14, 14, 4096), classes=1000))
    block = 4096 * 1024 + 9 * 1024 * 1024 + 1024 * 4096 + 2 * (4096 + 1024 + 1024)
    expected = 11 * block + 2 * 4096 + 4096 * 1000 + 1000
    assert sum(int(np.prod(weight.shape)) for weight in head.trainable_weights) == expected


def test_grid_tells_places_apart_and_the_mean_does_not():
    maps = np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype("float32")
    turned = maps[:, ::-1]
    for kind, same in (("mean", True), ("grid3", False)):
        head = ClassifierHead((6, 6, 3), classes=2, kind=kind)
        kernel = head.get_layer("predictions").kernel
        kernel.assign(np.random.default_rng(1).normal(size=kernel.shape))
        assert np.allclose(head(maps), head(turned), atol=1e-5) == same


def test_fifty_steps_are_enough_to_classify_as_in_training():
    """What stands in for a batch's own mean and spread must have forgotten where it started."""
    head = ClassifierHead((5, 5, 8), classes=4, blocks=2, width=16, bottleneck=4)
    kernel = head.get_layer("predictions").kernel
    kernel.assign(np.random.default_rng(1).normal(size=kernel.shape))
    maps = np.random.default_rng(0).normal(loc=3.0, scale=5.0, size=(64, 5, 5, 8)).astype("float32")
    for _ in range(50):
        in_training = head(maps, training=True)
    np.testing.assert_allclose(head(maps, training=False), in_training, atol=0.05)


def test_says_what_is_wrong():
    with pytest.raises(ValueError, match="`kind` must be one of .* Received: kind='mlp'"):
        ClassifierHead((5, 5, 8), classes=4, kind="mlp")
