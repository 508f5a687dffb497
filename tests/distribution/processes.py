"""Starts the processes of a test."""

import os
import subprocess
import sys

from cpc_keras.launching import cluster


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
