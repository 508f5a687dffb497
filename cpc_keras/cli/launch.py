"""Several workers of one command on this machine."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

from cpc_keras.cli.exit_codes import BAD_INPUT, STOPPED
from cpc_keras.errors import InputError

# Seconds that workers are given to end by themselves once one of them is gone. What is wrong with the
# input concerns all of them, and the others may wait for what the first will not write.
_GRACE = 60


def launch(arguments, workers):
    """Runs a command of `cpc-keras` as a cluster of processes and waits for them.

    Args:
        arguments: The command and its arguments, `["pretrain", RECIPE, …]`.
        workers: How many processes.

    Returns:
        The exit code of the worker that failed first; 0 if none did.

    Raises:
        InputError: If the command is not one that workers can share.
    """
    if arguments[:1] != ["pretrain"]:
        raise InputError(f"`launch` must be given the command pretrain. Received: {' '.join(arguments) or 'nothing'}")
    command = [sys.executable, "-m", "cpc_keras.cli", *arguments, "--strategy", "multi_worker"]
    processes: list[subprocess.Popen] = []
    try:
        with _PassOn(processes):
            for place in cluster(workers):
                processes.append(subprocess.Popen(command, env={**os.environ, "TF_CONFIG": place}))
            return _wait(processes)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _wait(processes):
    """The code of the first that fails; the others then have a while to end by themselves."""
    deadline, failed = None, 0
    while True:
        codes = [process.poll() for process in processes]
        # Of those found at once, a worker that was killed is the cause, and what others say of it the effect.
        failed = failed or min(filter(None, codes), default=0)
        # One that was told to end has saved; the one that writes may take longer, and is waited for.
        if failed and failed != STOPPED and deadline is None:
            deadline = time.monotonic() + (0 if failed == BAD_INPUT else _GRACE)
        if None not in codes or (deadline is not None and time.monotonic() > deadline):
            return 128 - failed if failed < 0 else failed
        time.sleep(0.1)


class _PassOn:
    """Hands SIGTERM on to the workers; Ctrl-C of a terminal reaches them by itself, and a second one ends all."""

    def __init__(self, processes):
        self.processes = processes
        self.interrupted = False

    def __enter__(self):
        def pass_on(number, frame):
            for process in self.processes:
                process.send_signal(signal.SIGTERM)

        def interrupt(number, frame):
            if self.interrupted:
                raise KeyboardInterrupt
            self.interrupted = True

        self._before = {
            signal.SIGTERM: signal.signal(signal.SIGTERM, pass_on),
            signal.SIGINT: signal.signal(signal.SIGINT, interrupt),
        }
        return self

    def __exit__(self, *error):
        for number, handler in self._before.items():
            signal.signal(number, handler)


def cluster(workers):
    """`TF_CONFIG` for each of several workers on this machine, at ports that nothing listens on.

    Example:

    >>> import json
    >>> [json.loads(place)["task"]["index"] for place in cluster(2)]
    [0, 1]
    """
    sockets = [socket.socket() for _ in range(workers)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    finally:
        for one in sockets:
            one.close()
    places = [{"type": "worker", "index": index} for index in range(workers)]
    return [json.dumps({"cluster": {"worker": addresses}, "task": place}) for place in places]
