"""What both rivals share: the network, and how they answer the benchmark."""

import sys
import time

# The network of all figures: patches of 16 px at stride 8 from images of 64 px, a 7 × 7 grid.
BATCH, SIZE = 16, 64
# Operations by which a ceiling is measured.
IN_A_ROW = 10


def network(context_width):
    """Arguments of both models."""
    return {
        "channels": 3,
        "widths": (64, 128, 256),
        "blocks": (2, 2, 2),
        "patch": 16,
        "stride": 8,
        "offsets": (2, 3, 4, 5),
        "directions": ("down", "up", "right", "left"),
        "target_dim": 64,
        "context_width": int(context_width),
    }


def answer(steps):
    """Answers each line of standard input, the name of a step, with the seconds that it takes.

    As in a run the step before was the same: one comes first that is not counted.
    """
    for line in sys.stdin:
        step = steps[line.strip()]
        step()
        began = time.perf_counter()
        step()
        print(time.perf_counter() - began, flush=True)
