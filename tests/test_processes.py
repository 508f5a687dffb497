"""Processes that tests fork are processes like any others."""

import signal
import subprocess
import time

import pytest

from tests.processes import _server, run, running, start

pytestmark = pytest.mark.slow
SAYS = """
import os, sys
print(sys.argv[1:], os.getcwd(), os.environ["SAID"], __name__, "keras" in sys.modules)
print("late", file=sys.stderr)
sys.exit(7)
"""


@pytest.mark.parametrize("fresh", [False, True])
def test_arguments_folder_environment_output_and_exit_code(tmp_path, fresh):
    done = run("-c", SAYS, "a b", "c", cwd=tmp_path, env={"SAID": "so"}, fresh=fresh)
    assert done.stdout == f"['a b', 'c'] {tmp_path} so __main__ {not fresh}\n"
    assert (done.stderr, done.returncode) == ("late\n", 7)
    (tmp_path / "script.py").write_text(SAYS)
    done = run("script.py", "d", cwd=tmp_path, env={"SAID": "so"}, fresh=fresh)
    assert done.stdout == f"['d'] {tmp_path} so __main__ {not fresh}\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_signals_end_it(number):
    with running("-c", "import time\nprint('here', flush=True)\ntime.sleep(100)") as process:
        assert process.stdout.readline() == "here\n"
        assert process.poll() is None
        process.send_signal(number)
        assert process.wait(timeout=60) == -number


def test_ctrl_c_is_an_exception_and_what_is_printed_in_the_end_arrives():
    script = (
        "import atexit, time\natexit.register(print, 'the end')\n"
        "try:\n    print('here', flush=True)\n    time.sleep(100)\nexcept KeyboardInterrupt:\n    print('stopped')"
    )
    with running("-c", script, apart=True) as process:
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == ("stopped\nthe end\n", "")
    assert process.returncode == 0


def test_what_takes_too_long_is_killed():
    process = start("-c", "import time; time.sleep(100)")
    began = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=0.1)
    assert process.returncode == -signal.SIGKILL and time.monotonic() - began < 60


def test_nothing_has_touched_a_device_nor_drawn_a_number():
    script = (
        "import os, random, numpy, tensorflow as tf\n"
        "from tensorflow.python.eager import context\n"
        "assert context._context is None and len(os.listdir('/proc/self/task')) == 1\n"
        "print(numpy.random.random(), random.random(), float(tf.random.uniform(())))\n"
    )
    said = [run("-c", script).stdout.split() for _ in range(2)]
    assert len(said[0]) == 3 and not set(said[0]) & set(said[1])


def test_what_a_server_cannot_import_is_said():
    with pytest.raises(RuntimeError, match="No module named 'nowhere_to_be_found'"):
        _server("import nowhere_to_be_found")


def test_many_lines_on_both_streams_arrive():
    script = "import sys\nfor _ in range(20000): print('out' * 9); print('error' * 9, file=sys.stderr)"
    done = run("-c", script)
    assert (len(done.stdout), len(done.stderr)) == (20000 * 28, 20000 * 46)
