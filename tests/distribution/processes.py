"""Starts the processes of a test."""

import json
import os
import socket
import subprocess
import sys


def start(*arguments, **kwargs):
    """Starts `python -m …` with its output captured."""
    return subprocess.Popen(
        [sys.executable, "-m", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **kwargs,
    )


def start_workers(count, arguments, **kwargs):
    """Starts `arguments(index)` once for each worker of a cluster on this machine."""
    with_ports = [socket.socket() for _ in range(count)]
    for one in with_ports:
        one.bind(("127.0.0.1", 0))
    addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in with_ports]
    for one in with_ports:
        one.close()
    return [
        start(*arguments(index), env={**os.environ, "TF_CONFIG": json.dumps(_place(addresses, index))}, **kwargs)
        for index in range(count)
    ]


def _place(addresses, index):
    return {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}


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
