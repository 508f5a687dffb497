"""What tests of searches share."""

import gc

import pytest


@pytest.fixture(scope="module", autouse=True)
def quick_collections():
    """keras-tuner collects garbage before each trial, half a second for all that is imported; only what is new is."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
