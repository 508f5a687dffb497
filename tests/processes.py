"""The one way in which tests start processes: forked where imports are not the point, fresh where they are."""

import atexit
import contextlib
import functools
import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from cpc_keras.cli.launch import cluster

HERE = pathlib.Path(__file__).parent
# All that a command may import, besides the command line itself, which is run as `__main__`.
PACKAGE = """
import importlib, os, pkgutil
import numpy, typer.core, pyarrow.parquet, tensorboard.summary
import cpc_keras
for module in pkgutil.walk_packages(cpc_keras.__path__, "cpc_keras."):
    if not module.name.startswith(("cpc_keras.cli", "cpc_keras.recipes", "cpc_keras.__main__")):
        importlib.import_module(module.name)
# Unseeded numbers must differ from process to process, as `random` sees to by itself.
os.register_at_fork(after_in_child=numpy.random.seed)
"""
# What programs without the package have; importing it fails.
STRANGER = """
import os, sys
sys.modules["cpc_keras"] = None
import keras, numpy, tensorflow
os.register_at_fork(after_in_child=numpy.random.seed)
"""


def start(*arguments, cwd=HERE.parent, env=None, apart=False, fresh=False, imports=PACKAGE):
    """Starts `python ARGUMENTS` with its output captured.

    Args:
        arguments: `"-m", MODULE, …` or `"-c", CODE, …` or `FILE, …`.
        cwd: Folder that it runs in.
        env: Its environment; this process' if not given.
        apart: Whether standard error has a pipe of its own.
        fresh: Whether it is a process of its own from the start, which shares no addresses and no order of sets with
            others, and imports for itself what it needs.
        imports: Code that a process which is not fresh has behind it.

    Returns:
        A `subprocess.Popen`, or a `Forked`, which has what of it tests use.
    """
    arguments, env = [str(one) for one in arguments], dict(env or os.environ)
    if not fresh:
        return Forked(_server(imports), arguments, cwd, env, apart)
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if apart else subprocess.STDOUT,
        text=True,
    )


@contextlib.contextmanager
def running(*arguments, **kwargs):
    """The same for the time of a context, which kills what is left of it."""
    with start(*arguments, **kwargs) as process:
        try:
            yield process
        finally:
            process.kill()


def run(*arguments, timeout=1800, **kwargs):
    """Runs it to its end; gives a `subprocess.CompletedProcess`."""
    with running(*arguments, apart=True, **kwargs) as process:
        printed = process.communicate(timeout)
    return subprocess.CompletedProcess(arguments, process.returncode, *printed)


def start_workers(count, arguments, **kwargs):
    """Starts `arguments(index)` once for each worker of a cluster on this machine."""
    return [
        start(*arguments(index), env={**os.environ, "TF_CONFIG": place}, **kwargs)
        for index, place in enumerate(cluster(count))
    ]


def finish(processes, timeout=300):
    """Waits until all have ended well; gives what they printed."""
    try:
        printed = [process.communicate(timeout=timeout)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, text in zip(processes, printed, strict=True):
        assert process.returncode == 0, text
    return printed


class Forked:
    """A process that `fork_server.py` has begun, with the interface of `subprocess.Popen`."""

    def __init__(self, server, arguments, cwd, env, apart):
        readers, writers = zip(*(os.pipe() for _ in range(3 if apart else 2)), strict=True)
        output, *errors, report = writers
        request = json.dumps({"arguments": arguments, "cwd": str(cwd), "env": env}).encode()
        with open(os.devnull) as nothing:
            socket.send_fds(server, [request], [nothing.fileno(), output, *(errors or [output]), report])
        for writer in writers:
            os.close(writer)
        streams = [os.fdopen(reader, encoding="utf-8", errors="backslashreplace") for reader in readers]
        self.stdout, self.stderr, self._report = streams[0], streams[1] if apart else None, streams[-1]
        self.returncode = None
        self.pid = int(self._report.readline())

    def poll(self):
        if self.returncode is None and select.select([self._report], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout=None):
        if self.returncode is None:
            if not select.select([self._report], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            with self._report:
                self.returncode = int(self._report.readline())
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout=None):
        """What it prints until it ends: `(stdout, stderr)`."""
        with self, ThreadPoolExecutor() as pool:
            printed = [stream and pool.submit(stream.read) for stream in (self.stdout, self.stderr)]
            try:
                self.wait(timeout)
            except BaseException:
                self.kill()  # or what reads would not end
                raise
            return tuple(one and one.result() for one in printed)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for stream in (self.stdout, self.stderr):
            if stream:
                stream.close()
        self.wait()


@functools.cache
def _server(imports):
    """The socket of a server for these imports, which lives as long as this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        server = subprocess.Popen(
            [sys.executable, "-P", HERE / "fork_server.py", str(theirs.fileno()), imports],
            cwd=HERE.parent,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    if ours.recv(16) != b"ready":
        ours.close()
        raise RuntimeError(f"the server of processes failed:\n{server.communicate()[1].decode()}")
    atexit.register(server.communicate)
    atexit.register(ours.close)
    return ours
