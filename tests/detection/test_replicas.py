"""Two mirrored replicas train the detector that one device trains with the same global batch."""

import numpy as np
import pytest

from tests.processes import finish, start


@pytest.mark.slow
def test_mirrored_replicas_take_the_steps_of_one_device(tmp_path):
    files = {mode: tmp_path / f"{mode}.npz" for mode in ("one", "mirrored")}
    finish([start("-m", "tests.detection.replicas", mode, file) for mode, file in files.items()])
    one, two = (dict(np.load(file)) for file in files.values())
    assert set(one) == set(two)
    assert len(one) > 30
    for name in one:
        np.testing.assert_allclose(two[name], one[name], rtol=1e-4, atol=1e-6, err_msg=name)
    assert one["faster_rcnn/step"] == 6
