"""Accelerators by name, and what a training run takes on them."""

import dataclasses
import math

from cpc_keras.errors import InputError

# Of the memory, what a model may fill: the rest goes to the runtime and to gaps.
USABLE = 0.9
GIB = 2**30


@dataclasses.dataclass(frozen=True)
class Accelerator:
    """What its maker states.

    Attributes:
        title: Its name.
        peak: Dense matrix products, 10¹² operations a second, in bfloat16
            (float16 where there is none), without sparsity.
        memory_gib: Memory in GiB.
    """

    title: str
    peak: float
    memory_gib: int

    @property
    def usable(self):
        """Bytes that a model may fill."""
        return int(USABLE * self.memory_gib * GIB)


# From the makers' data sheets; TPUs by chip, not by core.
ACCELERATORS = {
    "t4": Accelerator("NVIDIA T4 (float16)", 65, 16),
    "v100": Accelerator("NVIDIA V100 32 GB (float16)", 125, 32),
    "l4": Accelerator("NVIDIA L4", 121, 24),
    "a100-40": Accelerator("NVIDIA A100 40 GB", 312, 40),
    "a100": Accelerator("NVIDIA A100 80 GB", 312, 80),
    "h100": Accelerator("NVIDIA H100 SXM", 989, 80),
    "h200": Accelerator("NVIDIA H200", 989, 141),
    "tpu-v3": Accelerator("TPU v3 chip", 123, 32),
    "tpu-v4": Accelerator("TPU v4 chip", 275, 32),
    "tpu-v5e": Accelerator("TPU v5e chip", 197, 16),
}


def check_accelerator(name):
    """Raises `InputError` unless an accelerator is known."""
    if name not in ACCELERATORS:
        raise InputError(f"`accelerator` must be one of {tuple(ACCELERATORS)}. Received: accelerator={name!r}")


def hours(flops, accelerator, utilisation=0.35, devices=1):
    """How long so many operations take.

    Args:
        flops: Floating-point operations of the whole run.
        accelerator: An `Accelerator`.
        utilisation: Share of the stated peak that is reached, in (0, 1].
        devices: How many share the work.

    Example:

    >>> round(hours(3600e12, Accelerator("one of 10 TFLOP/s", 10, 16), utilisation=0.5), 3)
    0.2
    """
    return flops / (accelerator.peak * 1e12 * utilisation * devices) / 3600


def devices_needed(accelerator, kept, shared, batch_size):
    """The fewest devices whose memory holds a training step, images split evenly.

    Args:
        accelerator: An `Accelerator`.
        kept: Bytes that every device keeps: weights and the optimizer's state.
        shared: Bytes that the images of a whole batch take.
        batch_size: Images in it; a device needs at least one.

    Returns:
        A number, or `None` if no number of devices holds it.

    Example:

    >>> small = Accelerator("one of 10 GiB", 10, 10)  # of which 9 are usable
    >>> devices_needed(small, kept=1 * GIB, shared=20 * GIB, batch_size=16)
    3
    >>> devices_needed(small, kept=10 * GIB, shared=0, batch_size=16) is None
    True
    """
    room = accelerator.usable - kept
    if room <= 0:
        return None
    devices = max(1, math.ceil(shared / room))
    # Images are whole: the fullest device holds the ceiling of its share.
    while devices < batch_size and math.ceil(batch_size / devices) * shared / batch_size > room:
        devices += 1
    return devices if math.ceil(batch_size / devices) * shared / batch_size <= room else None
