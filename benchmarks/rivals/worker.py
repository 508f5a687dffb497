"""What those who are measured share: the network of both rivals, and how a benchmark is answered."""

import sys
import time

# The network of all figures: patches of 16 px at stride 8 from images of 64 px, a 7 × 7 grid.
SIZE = 64
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


def peak_begins():
    """MiB of this process in memory; the peak begins anew with them."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return resident("VmRSS")


def resident(name):
    """`VmRSS`, the MiB of this process in memory, or `VmHWM`, their peak."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(name))


def answer(steps, facts=None):
    """Answers each line of standard input: the name of a step with the seconds that it takes, of a fact with its value.

    As in a run the step before was the same: one comes first that is not counted.
    """
    for line in sys.stdin:
        name = line.strip()
        if facts and name in facts:
            print(facts[name], flush=True)
            continue
        steps[name]()
        began = time.perf_counter()
        steps[name]()
        print(time.perf_counter() - began, flush=True)
