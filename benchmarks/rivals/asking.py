"""Processes that are asked in turn, and how what they answer is summed up."""

import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

# Where the package lies, for Pythons in which it is not installed.
ROOT = pathlib.Path(__file__).parents[2]


class Rival:
    """A process that answers with numbers."""

    def __init__(self, python, *arguments):
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        self.complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115 -- as long as the process
        self.process = subprocess.Popen(
            [python, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )

    def ask(self, what):
        """What it answers: the seconds of a step, or a fact."""
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            self.complaints.seek(0)
            sys.exit(f"{self.complaints.read()}No answer to '{what}' from: {' '.join(map(str, self.process.args))}")
        return float(answer)


def spread(values, form="{:.2f}"):
    """Median and range as text."""
    return f"{form.format(np.median(values))} ({form.format(min(values))}–{form.format(max(values))})"
