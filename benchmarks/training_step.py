"""The training step beside the same network in PyTorch, and beside what the machine can do at most.

Processes that stay, asked in turn, so that whatever else the machine does meets all of them alike. Needs an environment
with PyTorch, which `make bench` sets up; its Python is named by TORCH_PYTHON. Arguments, if any, are the precisions.
"""

import os
import pathlib
import sys

import numpy as np
from rich.console import Console
from rich.table import Table
from rivals.asking import Rival, spread

RIVALS = pathlib.Path(__file__).parent / "rivals"
# Processes differ by some per cent for as long as they live (where their memory lies), so each contestant has several.
PROCESSES, ROUNDS = 3, 5
PRECISIONS = tuple(sys.argv[1:]) or ("float32", "mixed_bfloat16")
BATCH = 16
# Contestants: context networks are as wide as the published ones, or half as wide as the latents.
OURS, NARROW, PLAIN, COMPILED = "cpc_keras", "cpc_keras, contexts of 128", "PyTorch, plain", "PyTorch, compiled"
# Of our own step, beside the encoder.
PARTS = ("contexts and loss", "optimizer")
# GFLOP that the encoder takes forwards and backwards for a batch: 10.3 forwards an image, three times.
ENCODER_GFLOP = 3 * 10.32 * BATCH
# And those of ten operations by which a ceiling is measured.
CEILINGS = {"convolution": 10 * 2 * 9 * 128 * 128 * 8 * 8 * 784 / 1e9, "matmul": 10 * 2 * 2048**3 / 1e9}


def compare(precision, torch_python, threads):
    """Seconds of every contestant, by contestant and step, one entry a round."""
    ours, theirs = [sys.executable, RIVALS / "keras_cpc.py"], [torch_python, RIVALS / "torch_cpc.py"]
    contestants = {
        OURS: [*ours, precision, 256],
        NARROW: [*ours, precision, 128],
        PLAIN: [*theirs, precision, 256, "plain", threads],
        COMPILED: [*theirs, precision, 256, "compiled", threads],
    }
    questions = [
        *((OURS, step) for step in ("encoder", "step", *PARTS, *CEILINGS)),
        *((NARROW, step) for step in ("encoder", "step")),
        *((PLAIN, step) for step in ("encoder", "step")),
        (COMPILED, "step"),
    ]
    found = {question: [] for question in questions}
    for _ in range(PROCESSES):
        rivals = {name: Rival(*command) for name, command in contestants.items()}
        for name, step in questions:
            rivals[name].ask(step)  # compiles, and fills caches
        for _ in range(ROUNDS):
            for name, step in questions:
                found[name, step].append(rivals[name].ask(step))
        for rival in rivals.values():
            rival.process.kill()
    return {question: np.array(seconds) for question, seconds in found.items()}


def rows(found):
    """Cells of the table, by row."""
    ours, encoder = found[OURS, "step"], found[OURS, "encoder"]
    cells = {}
    for name in (OURS, NARROW, PLAIN, COMPILED):
        for step in ("encoder", "step"):
            if (name, step) in found and (name, step) != (NARROW, "encoder"):
                cells[f"{name}, {step}: images/s"] = spread(BATCH / found[name, step])
    for name in (PLAIN, COMPILED):
        cells[f"step: times the speed of {name}"] = spread(found[name, "step"] / ours)
    cells["encoder: times the speed of PyTorch, plain"] = spread(found[PLAIN, "encoder"] / encoder)
    for name in (OURS, NARROW, PLAIN):
        cells[f"{name}, step beside its encoder: time"] = spread(found[name, "step"] / found[name, "encoder"])
    for part in ("encoder", *PARTS):
        cells[f"{part}: share of the step"] = spread(found[OURS, part] / ours)
    for name, gflop in CEILINGS.items():
        cells[f"ceiling, {name}: GFLOP/s"] = spread(gflop / found[OURS, name], "{:.0f}")
        share = ENCODER_GFLOP / encoder / (gflop / found[OURS, name])
        cells[f"encoder: share of the {name} ceiling"] = spread(share)
    return cells


def main():
    """Prints the table."""
    torch_python = os.environ.get("TORCH_PYTHON")
    if not torch_python:
        sys.exit("TORCH_PYTHON must name the Python of an environment with PyTorch; `make bench` sets one up.")
    rounds = f"median of {PROCESSES} × {ROUNDS} rounds (range)"
    table = Table("", *PRECISIONS, title=f"Training step of {BATCH} images, {rounds}")
    columns = [rows(compare(precision, torch_python, os.cpu_count() or 1)) for precision in PRECISIONS]
    for row in columns[0]:
        table.add_row(row, *(column[row] for column in columns))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
