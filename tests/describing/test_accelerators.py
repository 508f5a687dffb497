import pytest

from cpc_keras.describing.accelerators import ACCELERATORS, GIB, Accelerator, devices_needed, hours

SMALL = Accelerator("one of 10 GiB", peak=100, memory_gib=10)


def test_hours():
    run = 3600 * 100e12
    assert hours(run, SMALL, utilisation=1.0) == pytest.approx(1.0)
    assert hours(run, SMALL, utilisation=0.5, devices=4) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("kept", "shared", "batch_size", "expected"),
    [
        (0, 9, 8, 1),
        (0, 9.5, 8, 2),
        (8, 4, 8, 4),
        (8, 4, 4, 4),
        (8, 4, 3, None),  # an image takes more than is left beside the weights
        (9, 0, 8, None),
        (0, 72, 9, 9),  # eight would do if images could be cut
    ],
)
def test_devices(kept, shared, batch_size, expected):
    assert devices_needed(SMALL, int(kept * GIB), int(shared * GIB), batch_size) == expected


def test_named_accelerators_are_sane():
    assert {"t4", "v100", "l4", "a100", "a100-40", "h100", "h200", "tpu-v3", "tpu-v4", "tpu-v5e"} == set(ACCELERATORS)
    for accelerator in ACCELERATORS.values():
        assert 50 < accelerator.peak < 1000
        assert accelerator.usable == pytest.approx(0.9 * accelerator.memory_gib * GIB, abs=1)
