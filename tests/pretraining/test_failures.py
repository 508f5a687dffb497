"""What befalls a training from outside is one line."""

import pytest
import tensorflow as tf

from cpc_keras.errors import InputError
from cpc_keras.pretraining.failures import errors_in_one_line
from cpc_keras.runs.folder import RunFolder


def test_where_memory_runs_out_a_smaller_batch_is_advised(tmp_path):
    def read(position):
        raise MemoryError

    for fails in (
        lambda watch: next(iter(tf.data.Dataset.range(1).map(lambda i: tf.numpy_function(watch(read), [i], tf.int64)))),
        lambda watch: tf.zeros((2**20, 2**20, 2**20)),
    ):
        with (
            pytest.raises(InputError, match="`batch_size` must leave room in memory: .* checkpoint is in ") as error,
            errors_in_one_line(RunFolder(tmp_path), tf.distribute.get_strategy()) as watch,
        ):
            fails(watch)
        assert "\n" not in str(error.value)


def test_a_full_disk_is_not_taken_for_full_memory(tmp_path):
    with (
        pytest.raises(InputError, match="`--run` must be a folder that can be written to; .*No space left on device"),
        errors_in_one_line(RunFolder(tmp_path), tf.distribute.get_strategy()),
    ):
        tf.io.write_file("/dev/full", "a summary")
