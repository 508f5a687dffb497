"""One owner of what is written: two commands that write into one folder would spoil each other's work."""

import contextlib
import json
import os
import pathlib
import secrets
import shlex
import signal
import socket
import sys
import threading
import time

import psutil

from cpc_keras.errors import InputError, Stopped
from cpc_keras.progress import Heartbeat
from cpc_keras.storage.disk import unwritable

# Seconds between two signs of an owner, and those without one after which an owner on another host counts as gone.
_BEAT, _PATIENCE = 30.0, 180.0
# Seconds by which two readings of when a process began may differ.
_ROUNDING = 2.0
# What a lock says of its owner.
_FIELDS = {"process": int, "started": float, "machine": list, "host": str, "command": str, "token": str}


def owned_folder(path, argument):
    """A context in which this process alone writes into a folder.

    A hidden file in the folder names the owner: process, host, command. It is made
    at one stroke, on network disks too, and is gone when the context is left. That
    of a process which was killed is taken over; an owner on another host, or in
    another container, counts as gone when it has given no sign for three minutes.

    Args:
        path: The folder. Where it is not there, it is made, and removed again if
            nothing is in it in the end.
        argument: What messages call it.

    Raises:
        InputError: If another process owns it, or it cannot be written to.
        Stopped: If this process gave no sign for so long (it was put to sleep) that
            another one has taken over.
    """
    return _owned(pathlib.Path(os.path.realpath(path), ".owner"), path, "folder", argument)


def owned_output(path, argument, kind="folder"):
    """As `owned_folder`, for what appears whole: the file that names the owner lies beside it.

    Args:
        path: The file or folder that is to appear.
        argument: What messages call it.
        kind: `"file"` or `"folder"`.

    Raises:
        InputError: As `owned_folder`.
        Stopped: As `owned_folder`.
    """
    final = pathlib.Path(os.path.realpath(path))
    return _owned(final.with_name(f".{final.name}.owner"), path, kind, argument)


@contextlib.contextmanager
def _owned(lock, path, kind, argument):
    me = _this_process()
    lost: list[dict] = []

    def give_sign():
        with contextlib.suppress(OSError):
            owner = _owner_of(lock)
            if owner["token"] == me["token"]:
                os.utime(lock)
            elif "process" in owner and not lost:
                lost.append(owner)
                os.kill(me["process"], number)

    with _hearing() as number, _made(lock.parent, path, kind, argument):
        try:
            _take(lock, me)
        except _OwnedError as error:
            raise InputError(
                f"`{argument}` must be a {kind} that no other command is writing to. Received: {path}, {error}"
            ) from None
        except OSError as error:
            raise InputError(unwritable(argument, kind, path, error)) from error
        try:
            with Heartbeat(give_sign, _BEAT):
                yield
        except KeyboardInterrupt:
            if lost:
                raise Stopped(f"{path} has another owner now, for this process was asleep for minutes") from None
            raise
        finally:
            with contextlib.suppress(OSError):
                if _owner_of(lock)["token"] == me["token"]:
                    lock.unlink()


@contextlib.contextmanager
def _hearing():
    """A signal that raises `KeyboardInterrupt`; that of Ctrl-C is ignored by what a shell has put in the background."""
    if threading.current_thread() is not threading.main_thread():
        yield signal.SIGINT
        return
    before = signal.signal(signal.SIGUSR1, signal.default_int_handler)
    try:
        yield signal.SIGUSR1
    finally:
        signal.signal(signal.SIGUSR1, before)


@contextlib.contextmanager
def _made(folder, path, kind, argument):
    """Makes a folder; what is empty of it in the end is removed."""
    new: list[pathlib.Path] = []
    try:
        try:
            new += [one for one in (folder, *folder.parents) if not one.exists()]
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(unwritable(argument, kind, path, error)) from error
        yield
    finally:
        with contextlib.suppress(OSError):
            for one in new:
                one.rmdir()


class _OwnedError(Exception):
    """There is an owner; the message says who."""


def _take(lock, me):
    """Makes this process the owner, or raises `_OwnedError`."""
    whole = _beside(lock, me["token"])
    try:
        whole.write_text(json.dumps(me), encoding="utf-8")
        while not _put(whole, lock, me):
            with contextlib.suppress(FileNotFoundError):  # the other has just ended
                owner = _owner_of(lock)
                if not _is_gone(owner, me, whole):
                    raise _OwnedError(_words(owner, me))
                _remove(lock, owner, me)
    finally:
        whole.unlink(missing_ok=True)


def _put(whole, lock, me):
    """Gives a whole file the name of the lock, unless there is one; whether it is ours then."""
    try:
        os.link(whole, lock)
    except FileExistsError:
        pass
    except OSError:  # a disk without hard links
        with contextlib.suppress(FileExistsError), open(lock, "x", encoding="utf-8") as file:
            file.write(json.dumps(me))
    with contextlib.suppress(FileNotFoundError):
        return _owner_of(lock)["token"] == me["token"]  # a network disk may have done what it says it has not
    return False


def _remove(lock, owner, me):
    """Removes what an owner that is gone has left; of several that would, one has the right to, a lock itself."""
    right = _beside(lock, f"after-{owner['token']}")
    try:
        _take(right, {**me, "token": secrets.token_hex(8)})
    except _OwnedError:
        time.sleep(0.01)
        return
    try:
        if _owner_of(lock)["token"] == owner["token"]:
            _beside(lock, owner["token"]).unlink(missing_ok=True)
            lock.unlink()
    finally:
        right.unlink(missing_ok=True)


def _beside(lock, name):
    return lock.with_name(f"{lock.name}-{name}")


def _this_process():
    program, *arguments = sys.argv or [""]
    name = pathlib.Path(program).name
    return {
        "process": os.getpid(),
        "started": _started(os.getpid()),
        "machine": _machine(),
        "host": socket.gethostname(),
        "command": shlex.join(["cpc-keras" if name == "__main__.py" else name, *arguments]),
        "token": secrets.token_hex(8),
    }


def _owner_of(lock):
    """What a lock says of its owner, and `seen`, when it last gave a sign; raises `FileNotFoundError`."""
    seen = lock.stat().st_mtime_ns
    try:
        told = json.loads(lock.read_text(encoding="utf-8"))
        told = {name: kind(told[name]) for name, kind in _FIELDS.items()}
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError):  # of another user, or of a machine that has crashed
        told = {"token": f"{seen}", "machine": None}
    return {**told, "seen": seen}


def _is_gone(owner, me, whole):
    if owner["machine"] == me["machine"]:
        started = _started(owner["process"])
        return started is None or abs(started - owner["started"]) > _ROUNDING
    return _silence(owner, whole) > _PATIENCE


def _silence(owner, whole):
    """Seconds since an owner's last sign, both by the clock of the disk."""
    os.utime(whole)
    return (whole.stat().st_mtime_ns - owner["seen"]) / 1e9


def _words(owner, me):
    gone = f"were it gone, the same command would start {_PATIENCE / 60:.0f} min after its last sign"
    if "process" not in owner:
        return f"which another process has; {gone}"
    words = f"which process {owner['process']} on {owner['host']} has ({owner['command']})"
    return words if owner["machine"] == me["machine"] else f"{words}; {gone}"


def _machine():
    """This machine since its start, and the space in which its process numbers count: containers have their own."""
    names = []
    with contextlib.suppress(OSError):
        names.append(pathlib.Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        names.append(os.readlink("/proc/self/ns/pid"))
    return names or [socket.gethostname()]


def _started(process):
    """Seconds from a machine's start to that of a process, however its clock is set; `None` where it is gone."""
    try:
        booted = psutil.boot_time()
        found = psutil.Process(process)
        return None if found.status() == psutil.STATUS_ZOMBIE else found.create_time() - booted
    except (psutil.NoSuchProcess, ValueError, OverflowError):
        return None
