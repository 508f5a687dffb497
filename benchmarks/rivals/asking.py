"""Processes that are asked in turn, and how what they answer is summed up."""

import subprocess
import sys

import numpy as np


class Rival:
    """A process that answers with numbers."""

    def __init__(self, python, *arguments):
        self.process = subprocess.Popen(
            [python, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, what):
        """What it answers: the seconds of a step, or a fact."""
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"No answer to '{what}' from: {' '.join(map(str, self.process.args))}")
        return float(answer)


def spread(values, form="{:.2f}"):
    """Median and range as text."""
    return f"{form.format(np.median(values))} ({form.format(min(values))}–{form.format(max(values))})"
