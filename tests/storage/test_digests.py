import hashlib

import numpy as np

from cpc_keras.storage import digests


def test_lines_are_hashed_one_a_line():
    assert digests.of_lines(["a", "b"]) == hashlib.sha256(b"a\nb\n").hexdigest()
    assert digests.of_lines(["ab"]) != digests.of_lines(["a", "b"])


def test_json_does_not_depend_on_the_order_of_keys():
    assert digests.of_json({"a": 1, "b": 2}) == digests.of_json({"b": 2, "a": 1})


def test_weights_and_arrays_differ_by_content(small_cpc):
    model = small_cpc()
    model.build((None, 28, 28, 1))
    before = digests.of_weights(model)
    assert digests.of_weights(model) == before
    model.encoder.weights[0].assign_add(np.ones(model.encoder.weights[0].shape))
    assert digests.of_weights(model) != before
    assert digests.of_array(np.zeros(3)) != digests.of_array(np.ones(3))
