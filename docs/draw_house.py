"""Draws the rooms of the package and the imports between them: `python docs/draw_house.py`, without a run."""

import ast
import collections
import pathlib
import re

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

ROOT = pathlib.Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "pictures" / "house.png"
_INK, _PAPER, _LINE = "#1f2937", "#eef2ff", "#6366f1"
# Sides of a room.
_WIDTH, _HEIGHT = 1.55, 0.5


def floors():
    """The floors of the house from the top down, as CONTRIBUTING.md prints them."""
    printed = re.search(r"```text\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.S)
    return [line.split() for line in printed[1].splitlines()] if printed else []


def arrows(rooms):
    """How many modules of each room import something of each other room."""
    counted: collections.Counter = collections.Counter()
    for path in (ROOT / "cpc_keras").rglob("*.py"):
        here = path.relative_to(ROOT / "cpc_keras").with_suffix("").parts[0]
        named = re.findall(r"cpc_keras\.(\w+)", " ".join(_imported(path)))
        counted.update((here, there) for there in set(named) if {here, there} <= rooms and here != there)
    return counted


def _imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def draw(path):
    """The house as a picture; the ground, which every room may use, has no arrows.

    Args:
        path: PNG to write.
    """
    *house, ground = floors()
    places = {
        room: (_WIDTH * 1.25 * (number - (len(floor) - 1) / 2), -1.15 * height)
        for height, floor in enumerate([*house, ground])
        for number, room in enumerate(floor)
    }
    figure, axes = plt.subplots(figsize=(8, 10.5))
    for (here, there), count in arrows({room for floor in house for room in floor}).items():
        (left, top), (right, bottom) = places[here], places[there]
        arrow = {"arrowstyle": "-|>", "color": _LINE, "alpha": min(0.7, 0.12 + 0.06 * count), "lw": 1.0}
        start, end = (left, top - _HEIGHT / 2), (right, bottom + _HEIGHT / 2)
        axes.annotate("", xy=end, xytext=start, arrowprops=arrow | {"shrinkA": 0, "shrinkB": 0}, zorder=1)
    for room, (x, y) in places.items():
        corner = x - _WIDTH / 2, y - _HEIGHT / 2
        style = {"boxstyle": "round,pad=0.02", "facecolor": _PAPER, "edgecolor": _LINE, "linewidth": 1.2}
        axes.add_patch(FancyBboxPatch(corner, _WIDTH, _HEIGHT, **style, zorder=2))
        axes.text(x, y, room, ha="center", va="center", color=_INK, fontsize=9 if len(room) < 14 else 8, zorder=3)
    axes.set_xlim(-4.7, 4.7)
    axes.set_ylim(-1.15 * len(house) - 0.6, 0.6)
    axes.set_axis_off()
    figure.savefig(path, dpi=110, bbox_inches="tight", facecolor="white")
    plt.close(figure)


if __name__ == "__main__":
    draw(PICTURE)
