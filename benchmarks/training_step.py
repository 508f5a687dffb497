"""The training step beside the same network in PyTorch, and beside what the machine can do at most.

Processes that stay, asked in turn, so that whatever else the machine does meets all of them alike. Needs an environment
with PyTorch, which `make bench` sets up; its Python is named by TORCH_PYTHON.
"""

import os
import pathlib
import subprocess
import sys

import numpy as np
from rich.console import Console
from rich.table import Table

RIVALS = pathlib.Path(__file__).parent / "rivals"
ROUNDS = 9
PRECISIONS = ("float32", "mixed_bfloat16")
BATCH = 16
# GFLOP that the encoder takes forwards and backwards for a batch: 10.3 forwards an image, three times.
ENCODER_GFLOP = 3 * 10.32 * BATCH
# And those of ten operations by which a ceiling is measured.
CEILINGS = {"convolution": 10 * 2 * 9 * 128 * 128 * 8 * 8 * 784 / 1e9, "matmul": 10 * 2 * 2048**3 / 1e9}


class Rival:
    """A process that answers with seconds."""

    def __init__(self, python, *arguments):
        self.process = subprocess.Popen(
            [python, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, what):
        """Seconds of one step."""
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def compare(precision, torch_python, threads):
    """Seconds of every contestant, by contestant and step, one entry a round."""
    rivals = {"cpc_keras": Rival(sys.executable, RIVALS / "keras_cpc.py", precision)}
    for compiled in ("plain", "compiled"):
        rivals[f"PyTorch, {compiled}"] = Rival(torch_python, RIVALS / "torch_cpc.py", precision, compiled, threads)
    questions = [(name, step) for name in rivals for step in ("encoder", "step")]
    questions = [one for one in questions if one != ("PyTorch, compiled", "encoder")]
    questions += [("cpc_keras", ceiling) for ceiling in CEILINGS]
    for name, step in 2 * questions:
        rivals[name].ask(step)  # compiles, and fills caches
    found = {question: [] for question in questions}
    for _ in range(ROUNDS):
        for name, step in questions:
            found[name, step].append(rivals[name].ask(step))
    for rival in rivals.values():
        rival.process.kill()
    return {question: np.array(seconds) for question, seconds in found.items()}


def spread(values, form="{:.2f}"):
    """Median and range as text."""
    return f"{form.format(np.median(values))} ({form.format(min(values))}–{form.format(max(values))})"


def main():
    """Prints the table."""
    torch_python = os.environ.get("TORCH_PYTHON")
    if not torch_python:
        sys.exit("TORCH_PYTHON must name the Python of an environment with PyTorch; `make bench` sets one up.")
    table = Table("", *PRECISIONS, title=f"Training step of {BATCH} images, median of {ROUNDS} rounds (range)")
    rows = {}
    for precision in PRECISIONS:
        found = compare(precision, torch_python, os.cpu_count() or 1)
        ours, encoder = found["cpc_keras", "step"], found["cpc_keras", "encoder"]
        cells = {
            f"{name}, {step}: images/s": spread(BATCH / s) for (name, step), s in found.items() if step not in CEILINGS
        }
        for name in ("PyTorch, plain", "PyTorch, compiled"):
            cells[f"step: times the speed of {name}"] = spread(found[name, "step"] / ours)
        cells["encoder: times the speed of PyTorch, plain"] = spread(found["PyTorch, plain", "encoder"] / encoder)
        cells["step beside its encoder: time"] = spread(ours / encoder)
        for name, gflop in CEILINGS.items():
            cells[f"ceiling, {name}: GFLOP/s"] = spread(gflop / found["cpc_keras", name], "{:.0f}")
            share = ENCODER_GFLOP / encoder / (gflop / found["cpc_keras", name])
            cells[f"encoder: share of the {name} ceiling"] = spread(share)
        for row, cell in cells.items():
            rows.setdefault(row, []).append(cell)
    for row, cells in rows.items():
        table.add_row(row, *cells)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
