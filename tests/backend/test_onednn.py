"""oneDNN is on however early the package is imported, or a line says what is lost."""

import os
import subprocess
import sys

import pytest
import tensorflow as tf

from cpc_keras.backend import tensorflow_compute
from cpc_keras.backend.onednn import FLAG, MISSED, ask_for_onednn, is_missed
from cpc_keras.layers.convolution import Convolution

# A processor on which TensorFlow leaves oneDNN off by itself.
OLDER = """
import os
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
import keras, tensorflow
del os.environ["TF_ENABLE_ONEDNN_OPTS"]
import cpc_keras
for _ in range(2):
    cpc_keras.models.ResNet((8,), (1,), stem="small", input_shape=(None, None, 1))
"""


@pytest.mark.parametrize(("given", "loaded", "expected"), [(None, False, "1"), ("0", False, "0"), (None, True, None)])
def test_is_asked_for_unless_it_is_too_late_or_the_user_says_otherwise(monkeypatch, given, loaded, expected):
    monkeypatch.delenv(FLAG, raising=False)
    if given is not None:
        monkeypatch.setenv(FLAG, given)
    if not loaded:
        monkeypatch.delitem(sys.modules, "tensorflow")
    ask_for_onednn()
    assert os.environ.get(FLAG) == expected


@pytest.mark.parametrize(
    ("flag", "enabled", "machine", "missed"),
    [
        (None, False, "x86_64", True),
        (None, False, "AMD64", True),
        ("1", False, "x86_64", True),  # set after TensorFlow was loaded
        (None, True, "x86_64", False),
        (None, None, "x86_64", False),  # another TensorFlow, which does not say
        (None, False, "arm64", False),
        ("0", False, "x86_64", False),
        ("False", False, "x86_64", False),
    ],
)
def test_is_missed_where_nobody_switched_it_off(flag, enabled, machine, missed):
    assert is_missed(flag, enabled, machine) is missed


def test_is_on_in_these_tests_as_the_package_was_imported_before_keras():
    assert tensorflow_compute.uses_onednn() is (os.environ[FLAG] == "1")


@pytest.fixture
def without(monkeypatch):
    """TensorFlow as it is without oneDNN, and nothing said yet."""
    monkeypatch.setattr(tensorflow_compute, "uses_onednn", lambda: False)
    monkeypatch.setattr(tensorflow_compute.platform, "machine", lambda: "x86_64")
    monkeypatch.delenv(FLAG, raising=False)
    tensorflow_compute._say_once.cache_clear()
    yield
    tensorflow_compute._say_once.cache_clear()


def test_the_first_convolution_says_in_one_line_what_is_lost_and_the_second_nothing(without, capsys):
    for _ in range(2):
        Convolution(2, 1).build((None, 4, 4, 3))
    assert capsys.readouterr().err == MISSED + "\n"
    assert "Import cpc_keras before keras and tensorflow, or set TF_ENABLE_ONEDNN_OPTS=1" in MISSED


def test_a_gpu_misses_nothing(without, monkeypatch, capsys):
    devices = [tf.config.LogicalDevice(f"/device:{kind}:0", kind) for kind in ("CPU", "GPU")]
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda: devices)
    Convolution(2, 1).build((None, 4, 4, 3))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("port", [object(), None], ids=["says nothing", "is not there"])
def test_another_tensorflow_may_not_say(monkeypatch, port):
    import tensorflow.python.util as folder

    name = "_pywrap_util_port"
    monkeypatch.setattr(folder, name, port) if port else monkeypatch.delattr(folder, name)
    monkeypatch.setitem(sys.modules, f"{folder.__name__}.{name}", port)
    assert tensorflow_compute.uses_onednn() is None


@pytest.mark.slow
def test_who_imports_keras_first_on_an_older_processor_is_told():
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-c", OLDER], capture_output=True, text=True, check=True, env=environment)
    assert done.stderr.count(MISSED + "\n") == 1
