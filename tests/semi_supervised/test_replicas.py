"""Two replicas take the same steps as one device with the same global batches."""

import numpy as np
import pytest

from tests.processes import finish, start


@pytest.mark.slow
def test_two_replicas_come_to_the_same_weights(tmp_path):
    files = {mode: tmp_path / f"{mode}.npz" for mode in ("one", "mirrored")}
    finish([start("-m", "tests.semi_supervised.train", mode, file) for mode, file in files.items()])
    one, many = (dict(np.load(file)) for file in files.values())
    assert one.keys() == many.keys() and {"log/rotation", "log/entropy", "log/accuracy"} <= one.keys()
    assert sum(name.startswith("weight/") for name in one) == 6
    for name, value in one.items():
        np.testing.assert_allclose(many[name], value, rtol=1e-4, atol=1e-6, err_msg=name)
