"""A ResNet-50 encoder on a GPU, through Keras on JAX, beside the same network in PyTorch, compiled; in bfloat16.

JAX_PYTHON and TORCH_PYTHON name the Pythons of environments with each (this one if unset). Without a GPU nothing is
measured, unless `--anyway` asks for a try with few patches on the processor.
"""

import os
import pathlib
import sys

import numpy as np
from rich.console import Console
from rich.table import Table
from rivals.asking import Rival, spread

RIVALS = pathlib.Path(__file__).parent / "rivals"
ROUNDS = 9
# 32 images of 6 × 6 patches of the published size.
OF_AN_IMAGE, SIDE = 36, 80
PATCHES = 32 * OF_AN_IMAGE


def main():
    """Prints the table."""
    anyway = sys.argv[1:] == ["--anyway"]
    sizes = (8, 64) if anyway else (PATCHES, SIDE)
    ours = Rival(os.environ.get("JAX_PYTHON", sys.executable), RIVALS / "jax_resnet.py", *sizes)
    if not ours.ask("gpu") and not anyway:
        ours.process.kill()
        print("JAX finds no GPU (JAX_PYTHON may name a Python whose JAX does): nothing was measured.")
        return
    theirs = Rival(os.environ.get("TORCH_PYTHON", sys.executable), RIVALS / "torch_resnet.py", *sizes)
    if not theirs.ask("gpu") and not anyway:
        sys.exit("PyTorch finds no GPU: TORCH_PYTHON must name a Python whose PyTorch does.")
    found = {question: [] for question in ((ours, "encoder"), (theirs, "encoder"), (ours, "matmul"))}
    for number in range(ROUNDS + 1):
        for (rival, name), seconds in found.items():
            answer = rival.ask(name)
            if number:  # the first round compiles
                seconds.append(answer)
    jax, torch, matmul = map(np.array, found.values())
    ceiling = ours.ask("matmul gflop") / matmul
    table = Table("", f"{sizes[0]} patches of {sizes[1]} px", title=f"ResNet-50 encoder, median of {ROUNDS} (range)")
    table.add_row("cpc_keras, JAX: patches/s", spread(sizes[0] / jax, "{:.0f}"))
    table.add_row(f"that is images of {OF_AN_IMAGE} patches/s", spread(sizes[0] / OF_AN_IMAGE / jax, "{:.1f}"))
    table.add_row("PyTorch, compiled: patches/s", spread(sizes[0] / torch, "{:.0f}"))
    table.add_row("times the speed of PyTorch", spread(torch / jax))
    table.add_row("matmul ceiling: TFLOP/s", spread(ceiling / 1e3, "{:.1f}"))
    table.add_row("share of the ceiling", spread(theirs.ask("gflop") / jax / ceiling))
    Console(width=110).print(table)
    for rival in (ours, theirs):
        rival.process.kill()


if __name__ == "__main__":
    main()
