import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from cpc_keras.evaluation.handmade import HandmadeFeatures


def pieces(photographs, side=48):
    """Sixteen pieces of each of two photographs, `[32, side, side, 3]`, with the photograph's number."""
    rng = np.random.default_rng(0)
    places = [(int(rng.integers(427 - side)), int(rng.integers(640 - side))) for _ in range(32)]
    images = [photographs[index % 2][y : y + side, x : x + side] for index, (y, x) in enumerate(places)]
    return np.stack(images).astype("float32") / 255, np.arange(32) % 2


@pytest.mark.parametrize("pooling", ["statistics", "statistics_hog"])
def test_they_tell_photographs_apart(photographs, pooling):
    images, labels = pieces(photographs)
    features = HandmadeFeatures()(images)[pooling]
    scaled = StandardScaler().fit_transform(features)
    train, test = np.arange(32) < 16, np.arange(32) >= 16
    probe = LogisticRegression(C=0.1).fit(scaled[train], labels[train])
    assert probe.score(scaled[test], labels[test]) > 0.8


def test_brightness_is_seen_and_places_only_by_the_gradients(photographs):
    images, _ = pieces(photographs)
    features, darker = HandmadeFeatures()(images), HandmadeFeatures()(0.5 * images)
    grey = images @ [0.2125, 0.7154, 0.0721]
    np.testing.assert_allclose(features["statistics"][:, 0], grey.mean((1, 2)), rtol=1e-4)
    np.testing.assert_allclose(darker["statistics"][:, 0], 0.5 * features["statistics"][:, 0], rtol=1e-4)
    mirrored = HandmadeFeatures()(images[:, :, ::-1])
    levels = features["statistics"][:, :12]
    np.testing.assert_allclose(mirrored["statistics"][:, :12], levels, rtol=1e-3, atol=1e-4)
    places = features["statistics"].shape[1]
    assert np.abs(mirrored["statistics_hog"][:, places:] - features["statistics_hog"][:, places:]).max() > 0.1


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_constant_images_have_finite_features(value, channels):
    features = HandmadeFeatures()(np.full((2, 20, 31, channels), value, "float32"))
    assert all(np.isfinite(one).all() and one.dtype == np.float32 for one in features.values())
    assert features["statistics"][0, 0] == pytest.approx(value, abs=1e-5) and features["statistics"][0, 1] < 1e-5
