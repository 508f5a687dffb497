"""The training step beside the same network in PyTorch, and beside what the machine can do at most.

Processes that stay, asked in turn, so that whatever else the machine does meets all of them alike. Needs an environment
with PyTorch, which `make bench` sets up; its Python is named by TORCH_PYTHON. Arguments, if any, are the precisions;
`--quick` before them is the short form, of smaller batches, published context networks alone and a single process each,
in float32 unless they say otherwise.
"""

import dataclasses
import os
import pathlib
import sys

import numpy as np
from rich.console import Console
from rich.table import Table
from rivals.asking import Rival, spread

RIVALS = pathlib.Path(__file__).parent / "rivals"
# Programs: context networks are as wide as the published ones, or half as wide as the latents. In a notebook Keras
# is often imported before cpc_keras, which then cannot have TensorFlow use oneDNN any more.
OURS, NARROW, LATE = "cpc_keras", "cpc_keras, contexts of 128", "cpc_keras, imported after keras"
PLAIN, COMPILED = "PyTorch, plain", "PyTorch, compiled"
# Of our own step, beside the encoder.
PARTS = ("contexts and loss", "optimizer")
# GFLOP that the encoder takes forwards and backwards for an image: 10.3 forwards, three times.
ENCODER_GFLOP = 3 * 10.32
# And those of ten operations by which a ceiling is measured.
CEILINGS = {"convolution": 10 * 2 * 9 * 128 * 128 * 8 * 8 * 784 / 1e9, "matmul": 10 * 2 * 2048**3 / 1e9}


@dataclasses.dataclass(frozen=True)
class Form:
    """How much is measured.

    Processes differ by some per cent for as long as they live (where their
    memory lies), so each program has several.
    """

    title: str
    batch: int
    processes: int
    rounds: int
    precisions: tuple
    programs: tuple


WHOLE = Form("Training step", 16, 3, 5, ("float32", "mixed_bfloat16"), (OURS, NARROW, LATE, PLAIN, COMPILED))
QUICK = Form("Short form, ratios to a tenth or so: training step", 4, 1, 2, ("float32",), (OURS, LATE, PLAIN, COMPILED))


def form_of(arguments):
    """The form that arguments ask for."""
    form, precisions = (QUICK, arguments[1:]) if arguments[:1] == ["--quick"] else (WHOLE, arguments)
    return dataclasses.replace(form, precisions=tuple(precisions) or form.precisions)


def compare(form, precision, torch_python, threads):
    """Seconds of every program, by program and step, one entry a round."""
    ours, theirs = [sys.executable, RIVALS / "keras_cpc.py"], [torch_python, RIVALS / "torch_cpc.py"]
    commands = {
        OURS: [*ours, precision, 256, form.batch, "cpc_keras"],
        NARROW: [*ours, precision, 128, form.batch, "cpc_keras"],
        LATE: [*ours, precision, 256, form.batch, "keras"],
        PLAIN: [*theirs, precision, 256, form.batch, "plain", threads],
        COMPILED: [*theirs, precision, 256, form.batch, "compiled", threads],
    }
    steps = {
        OURS: ("encoder", "step", *PARTS, *CEILINGS),
        NARROW: ("encoder", "step"),
        LATE: ("step",),
        PLAIN: ("encoder", "step"),
        COMPILED: ("step",),
    }
    questions = [(name, step) for name in form.programs for step in steps[name]]
    found = {question: [] for question in questions}
    for _ in range(form.processes):
        rivals = {name: Rival(*commands[name]) for name in form.programs}
        for name, step in questions:
            rivals[name].ask(step)  # compiles, and fills caches
        for _ in range(form.rounds):
            for name, step in questions:
                found[name, step].append(rivals[name].ask(step))
        for rival in rivals.values():
            rival.process.kill()
    return {question: np.array(seconds) for question, seconds in found.items()}


def rows(found, batch):
    """Cells of the table, by row."""
    ours, encoder = found[OURS, "step"], found[OURS, "encoder"]
    cells = {}
    for name in (OURS, NARROW, LATE, PLAIN, COMPILED):
        for step in ("encoder", "step"):
            if (name, step) in found and (name, step) != (NARROW, "encoder"):
                cells[f"{name}, {step}: images/s"] = spread(batch / found[name, step])
    for name in (PLAIN, COMPILED):
        cells[f"step: times the speed of {name}"] = spread(found[name, "step"] / ours)
    cells[f"{LATE}: time beside {OURS}"] = spread(found[LATE, "step"] / ours)
    cells["encoder: times the speed of PyTorch, plain"] = spread(found[PLAIN, "encoder"] / encoder)
    for name in (OURS, NARROW, PLAIN):
        if (name, "encoder") in found:
            cells[f"{name}, step beside its encoder: time"] = spread(found[name, "step"] / found[name, "encoder"])
    for part in ("encoder", *PARTS):
        cells[f"{part}: share of the step"] = spread(found[OURS, part] / ours)
    for name, gflop in CEILINGS.items():
        cells[f"ceiling, {name}: GFLOP/s"] = spread(gflop / found[OURS, name], "{:.0f}")
        share = ENCODER_GFLOP * batch / encoder / (gflop / found[OURS, name])
        cells[f"encoder: share of the {name} ceiling"] = spread(share)
    return cells


def main():
    """Prints the table."""
    torch_python = os.environ.get("TORCH_PYTHON")
    if not torch_python:
        sys.exit("TORCH_PYTHON must name the Python of an environment with PyTorch; `make bench` sets one up.")
    form, threads = form_of(sys.argv[1:]), os.cpu_count() or 1
    rounds = f"median of {form.processes} × {form.rounds} rounds (range)"
    table = Table("", *form.precisions, title=f"{form.title} of {form.batch} images, {rounds}")
    columns = [rows(compare(form, one, torch_python, threads), form.batch) for one in form.precisions]
    for row in columns[0]:
        table.add_row(row, *(column[row] for column in columns))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
