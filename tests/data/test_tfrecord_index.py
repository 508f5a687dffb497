import resource

import pytest
import tensorflow as tf

from cpc_keras.data.tfrecord_index import TFRecordIndex


@pytest.fixture
def files(tmp_path):
    """Two files of five and three records; the empty record is one too."""
    contents = [[b"a" * length for length in (0, 3, 70_000, 1, 8)], [b"x", b"yy", b"zzz"]]
    paths = []
    for index, records in enumerate(contents):
        paths.append(tmp_path / f"{index}.tfrecord")
        with tf.io.TFRecordWriter(str(paths[-1])) as writer:
            for record in records:
                writer.write(record)
    return paths, contents


def test_reads_what_tensorflow_wrote_in_any_order(files):
    paths, contents = files
    index = TFRecordIndex([(path, 0, -1) for path in paths])
    expected = [record for records in contents for record in records]
    assert len(index) == 8
    assert [index[i] for i in reversed(range(8))] == expected[::-1]


def test_reads_from_more_files_than_a_process_may_keep_open(files):
    paths, contents = files
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        index = TFRecordIndex([(paths[1], 0, -1)] * 1024)
        assert [index[i] for i in range(0, 3072, 3)] == [contents[1][0]] * 1024
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_skips_and_takes(files):
    paths, contents = files
    index = TFRecordIndex([(paths[0], 2, 2), (paths[1], 1, -1)])
    assert [index[i] for i in range(len(index))] == [*contents[0][2:4], *contents[1][1:]]


def test_refuses_a_cut_file_and_too_many_records(files):
    paths, _ = files
    with pytest.raises(ValueError, match="more records than there are, 3"):
        TFRecordIndex([(paths[1], 2, 2)])
    paths[0].write_bytes(paths[0].read_bytes()[:-5])
    with pytest.raises(ValueError, match="whole TFRecord files. Received: .*0.tfrecord, which ends in a record"):
        TFRecordIndex([(paths[0], 0, -1)])
