"""What a training step costs as batch, grid and encoder grow, beside what `cpc-keras describe` counts.

A process for each configuration, asked in turn. What comes out is plotted in .cache/bench/growth.png.
"""

import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from rich.console import Console
from rich.table import Table
from rivals.asking import Rival, spread
from rivals.growing import recipe_of

from cpc_keras.describing.recipe_figures import figures

HERE = pathlib.Path(__file__).parent
PLOT = HERE.parent / ".cache" / "bench" / "growth.png"
ROUNDS = 5
PRECISIONS = ("float32", "mixed_bfloat16")
# Images in a batch, patches along a side, residual blocks a stage: one at a time grows.
BASE = (16, 5, 1)
AXES = {
    "images a batch": (0, (8, 16, 32, 64)),
    "patches a side": (1, (3, 5, 7, 9)),
    "blocks a stage": (2, (1, 2, 3, 4)),
}


def along(axis):
    """Configurations of an axis, by the value that grows."""
    place, values = AXES[axis]
    return {value: (*BASE[:place], value, *BASE[place + 1 :]) for value in values}


def measure(precision):
    """Seconds of each configuration, one entry a round, and MiB."""
    configurations = sorted({one for axis in AXES for one in along(axis).values()})
    rivals = {one: Rival(sys.executable, HERE / "rivals" / "growing.py", precision, *one) for one in configurations}
    memory = {one: rival.ask("memory") for one, rival in rivals.items()}
    seconds = {one: [] for one in configurations}
    for _ in range(ROUNDS):
        for one, rival in rivals.items():
            seconds[one].append(rival.ask("step"))
    for rival in rivals.values():
        rival.process.kill()
    return {one: np.array(values) for one, values in seconds.items()}, memory


def operations(way):
    """Floating-point operations of a step."""
    return figures(recipe_of("float32", *way))["flops"]["step"]


def draw(found):
    """Time and memory along each axis, and how float32 would grow with the operations alone."""
    figure, panels = plt.subplots(2, len(AXES), figsize=(11, 6.5), sharey="row", constrained_layout=True)
    start = np.median(found["float32"][0][BASE]) * 1e3
    for column, axis in enumerate(AXES):
        ways = along(axis)
        counted = [start * operations(way) / operations(BASE) for way in ways.values()]
        panels[0, column].plot(list(ways), counted, color="0.75", lw=4, label="float32, as operations grow")
        for colour, (precision, (seconds, memory)) in zip(("C0", "C1"), found.items(), strict=True):
            times = np.array([seconds[way] for way in ways.values()]) * 1e3
            middle = np.median(times, axis=1)
            bars = np.abs(np.stack([times.min(axis=1), times.max(axis=1)]) - middle)
            panels[0, column].errorbar(list(ways), middle, bars, color=colour, marker="o", capsize=3, label=precision)
            panels[1, column].plot(list(ways), [memory[way] for way in ways.values()], color=colour, marker="o")
        panels[1, column].set_xlabel(axis)
        for panel in panels[:, column]:
            panel.set_xticks(list(ways))
            panel.set_ylim(bottom=0)
    panels[0, 0].set_ylabel("step, ms")
    panels[1, 0].set_ylabel("memory, MiB")
    panels[0, 0].legend(loc="upper left")
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, dpi=120)
    plt.close(figure)


def main():
    """Prints the table and draws the plot."""
    found = {precision: measure(precision) for precision in PRECISIONS}
    title = f"A training step; times: beside {BASE[0]} images, {BASE[1]} × {BASE[1]} patches, {BASE[2]} block a stage"
    titles = [f"{short} {what}" for short in ("f32", "bf16") for what in ("ms", "times", "MiB")]
    table = Table("", "operations", *titles, "f32 / bf16", title=title)
    for axis in AXES:
        for value, way in along(axis).items():
            cells = [f"{operations(way) / operations(BASE):.2f}"]
            for seconds, memory in found.values():
                times = spread(seconds[way] / seconds[BASE])
                cells += [f"{1e3 * np.median(seconds[way]):.0f}", times, f"{memory[way]:.0f}"]
            faster = found["float32"][0][way] / found["mixed_bfloat16"][0][way]
            table.add_row(f"{value} {axis}", *cells, spread(faster))
    draw(found)
    Console(width=150).print(table)
    print(f"Plotted in {PLOT}")


if __name__ == "__main__":
    main()
