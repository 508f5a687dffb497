import numpy as np
import pytest

from cpc_keras.models.embedding_std import embedding_std


def test_embedding_std_tells_collapse_from_spread():
    rng = np.random.default_rng(0)
    assert float(embedding_std(np.ones((50, 16), "float32"))) < 1e-3
    assert float(embedding_std(rng.normal(size=(5000, 16)).astype("float32"))) == pytest.approx(1.0, abs=0.02)
