import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from cpc_keras.curation.doubts import doubtful_labels, unlike_all
from cpc_keras.graph.neighbors import nearest


def test_changed_labels_are_found_first():
    images, labels = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    changed = rng.permutation(len(labels))[:90]
    given = labels.copy()
    given[changed] = (given[changed] + rng.integers(1, 10, len(changed))) % 10
    said = cross_val_predict(LogisticRegression(C=0.01, max_iter=300), images / 16, given, method="predict_proba")
    found = doubtful_labels(given, said)
    assert np.isin(changed, found).mean() > 0.75
    assert np.isin(found, changed).mean() > 0.75
    assert np.isin(found[:50], changed).mean() > 0.9


def test_strangers_are_unlike_all_others_and_the_rest_is_not():
    images, _ = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    strangers = rng.permuted(images[:5], axis=1)  # the same pixels, shuffled
    vectors = np.concatenate([images, strangers])
    vectors = vectors - vectors.mean(axis=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found, distances = unlike_all(nearest(vectors.astype("float32"), 10)[1])
    assert set(found[:5]) == set(range(len(images), len(images) + 5))
    assert len(found) < 0.01 * len(images)
    assert (np.diff(distances[found]) <= 0).all()
