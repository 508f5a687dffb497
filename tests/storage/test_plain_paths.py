import os

import pytest
import tensorflow as tf

from cpc_keras.storage.plain_paths import is_plain, plain_path

ODD = ["a [1]", "a*", "what?", "{a}", "back\\slash", os.fsdecode(b"caf\xe9")]
PLAIN = ["a b", 'it\'s "quoted"', "two\nlines", "café", "写真", "a;b&c$d", "a" * 200]


@pytest.mark.parametrize("name", ODD + PLAIN)
def test_tensorflow_writes_and_reads_at_any_path(name, tmp_path):
    assert is_plain(name) == (name in PLAIN)
    folder = tmp_path / name / f"model {name[:50]}"
    folder.mkdir(parents=True)
    artefact = tf.train.Checkpoint()
    artefact.weight = tf.Variable(3.0)
    with plain_path(folder) as plain:
        tf.saved_model.save(artefact, plain)
    assert {"saved_model.pb", "variables"} <= set(os.listdir(folder))
    with plain_path(folder) as plain:
        assert float(tf.saved_model.load(plain).weight) == 3.0
    with plain_path(tmp_path / name / "file.txt") as plain:
        tf.io.write_file(plain, "text")
    assert (tmp_path / name / "file.txt").read_text() == "text"
    assert plain.endswith(".txt")
