import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from cpc_keras.errors import InputError, Stopped
from cpc_keras.storage import owner
from cpc_keras.storage.owner import owned_folder, owned_output
from tests.processes import finish, run, running, start

HOLD = """
import sys, time
from cpc_keras.storage.owner import owned_folder
with owned_folder(sys.argv[1], "--run"):
    print("mine", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def lock_of(folder, **changes):
    """The lock of an owner that this process could be, but for some changes."""
    folder.mkdir(exist_ok=True)
    (folder / ".owner").write_text(json.dumps({**owner._this_process(), "token": "theirs", **changes}))
    return folder / ".owner"


def refusal(folder):
    with pytest.raises(InputError) as error, owned_folder(folder, "--run"):
        pass
    return str(error.value)


def test_nothing_is_left_of_it(tmp_path):
    with owned_folder(tmp_path / "new" / "run", "--run"):
        assert names(tmp_path / "new" / "run") == [".owner"]
    assert names(tmp_path) == []
    with owned_folder(tmp_path / "run", "--run"):
        (tmp_path / "run" / "kept").touch()
    assert names(tmp_path / "run") == ["kept"]


def test_an_output_is_owned_beside_it_and_links_are_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "model")
    with owned_output(tmp_path / "link", "DEST"):
        assert names(tmp_path / "elsewhere") == [".model.owner"]
        with pytest.raises(InputError, match="`--out` must be a file that no other command is writing to"):
            owned_output(tmp_path / "elsewhere" / "model", "--out", "file").__enter__()
    assert names(tmp_path) == ["link"]


@pytest.mark.slow
def test_a_second_process_is_told_who_has_it_and_one_that_was_killed_has_it_no_more(tmp_path):
    with running("-c", HOLD, tmp_path / "run", "100", apart=True) as process:
        assert process.stdout.readline() == "mine\n"
        assert refusal(tmp_path / "run") == (
            f"`--run` must be a folder that no other command is writing to. Received: {tmp_path / 'run'}, which "
            f"process {process.pid} on {socket.gethostname()} has (-c {tmp_path / 'run'} 100)"
        )
        assert names(tmp_path / "run") == [".owner"]
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert names(tmp_path / "run") == [".owner"]
    done = run("-c", HOLD, tmp_path / "run", "0")
    assert (done.stdout, done.stderr, done.returncode) == ("mine\n", "", 0)
    assert names(tmp_path / "run") == []  # it was there before, and stays


CROWD = """
import os, random, sys, time
from cpc_keras.errors import InputError
from cpc_keras.storage.owner import owned_folder
folder, seed = sys.argv[1], int(sys.argv[2])

def at_work(chance):
    "One at a time: the mark of another that is alive must not be there."
    mark = os.path.join(folder, "mark")
    with open(mark, "a+") as file:
        file.seek(0)
        other = file.read() or "nobody"
    try:
        if open(f"/proc/{other}/stat").read().rpartition(")")[2].split()[0] != "Z":
            print(f"together with {other}", flush=True)
    except OSError:
        pass  # it is gone
    with open(mark, "w") as file:
        file.write(str(os.getpid()))
    time.sleep(chance.uniform(0, 0.01))
    if chance.random() < 0.3:
        os._exit(9)  # as if it had been killed
    os.unlink(mark)

for life in range(8):
    if (child := os.fork()) == 0:
        chance = random.Random(100 * seed + life)
        for _ in range(6):
            try:
                with owned_folder(folder, "--run"):
                    at_work(chance)
            except InputError:
                time.sleep(chance.uniform(0, 0.01))
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print("killed" if status == 9 else "ended" if status == 0 else f"failed: {status}", flush=True)
"""


@pytest.mark.slow
def test_of_many_that_take_over_at_once_one_does(tmp_path):
    (tmp_path / "run").mkdir()
    said = finish([start("-c", CROWD, tmp_path / "run", seed) for seed in range(3)])
    lines = "".join(said).splitlines()
    assert set(lines) == {"killed", "ended"} and lines.count("killed") > 4, lines
    with owned_folder(tmp_path / "run", "--run"):
        pass
    assert set(names(tmp_path / "run")) <= {"mark"}


def test_a_number_that_another_process_has_now_is_no_owner(tmp_path):
    mine = owner._this_process()
    lock_of(tmp_path / "run", started=mine["started"] - 100)
    with owned_folder(tmp_path / "run", "--run"):
        pass
    lock_of(tmp_path / "run")
    assert f"which process {os.getpid()} on" in refusal(tmp_path / "run")


def test_a_process_that_nobody_waits_for_is_gone():
    process = subprocess.Popen([sys.executable, "-c", ""])
    deadline = time.monotonic() + 60
    while owner._started(process.pid) is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert owner._started(process.pid) is None
    assert process.wait() == 0


def test_an_owner_elsewhere_is_respected_as_long_as_it_gives_signs(tmp_path):
    lock = lock_of(tmp_path / "run", machine=["another"], host="far", process=7)
    said = refusal(tmp_path / "run")
    assert "which process 7 on far has" in said
    assert said.endswith("; were it gone, the same command would start 3 min after its last sign")
    old = time.time() - owner._PATIENCE - 5
    os.utime(lock, (old, old))
    with owned_folder(tmp_path / "run", "--run"):
        assert json.loads(lock.read_text())["process"] == os.getpid()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"process": "many"}'])
def test_a_lock_that_cannot_be_read_is_respected_for_a_while(tmp_path, text):
    lock = lock_of(tmp_path / "run")
    lock.write_text(text)
    assert "which another process has; were it gone, the same command would start 3 min" in refusal(tmp_path / "run")
    old = time.time() - owner._PATIENCE - 5
    os.utime(lock, (old, old))
    with owned_folder(tmp_path / "run", "--run"):
        pass
    assert names(tmp_path / "run") == []


def test_a_disk_without_hard_links(tmp_path, monkeypatch):
    def link(source, target):
        raise PermissionError("no such thing here")

    monkeypatch.setattr(os, "link", link)
    with owned_folder(tmp_path / "run", "--run"):
        assert f"which process {os.getpid()}" in refusal(tmp_path / "run")
    lock_of(tmp_path / "run", process=2**22 + 1)
    with owned_folder(tmp_path / "run", "--run"):
        pass
    assert names(tmp_path / "run") == []


def test_gives_signs_and_stops_when_another_has_taken_over(tmp_path, monkeypatch):
    monkeypatch.setattr(owner, "_BEAT", 0.02)
    lock = tmp_path / "run" / ".owner"
    with pytest.raises(Stopped, match="run has another owner now"), owned_folder(tmp_path / "run", "--run"):
        os.utime(lock, (0, 0))
        deadline = time.monotonic() + 60
        while not lock.stat().st_mtime and time.monotonic() < deadline:
            time.sleep(0.01)
        assert lock.stat().st_mtime
        lock_of(tmp_path / "run", machine=["another"])
        time.sleep(60)
    assert json.loads(lock.read_text())["token"] == "theirs"


def test_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="`--run` must be a folder that can be written to. Received: .*file/run"):
        owned_folder(tmp_path / "file" / "run", "--run").__enter__()
    with pytest.raises(InputError, match="`--out` must be a file that can be written to. Received: .*file/x.npz"):
        owned_output(tmp_path / "file" / "x.npz", "--out", "file").__enter__()
