"""oneDNN's kernels for TensorFlow on a processor: asked for in time, or missed aloud."""

import os
import sys

FLAG = "TF_ENABLE_ONEDNN_OPTS"
MISSED = (
    "cpc_keras: TensorFlow was loaded first and computes without oneDNN, so a training step on this processor takes "
    f"one and a half times as long or more. Import cpc_keras before keras and tensorflow, or set {FLAG}=1 for the "
    "whole process (0 leaves oneDNN off, and this line out)."
)


def ask_for_onednn():
    """Has TensorFlow use oneDNN's kernels, unless it is loaded already or `TF_ENABLE_ONEDNN_OPTS` is set.

    TensorFlow leaves them off on a processor without instructions for neural
    networks (VNNI, bfloat16, AMX). With AVX2 alone a training step then takes 1.5
    times as long, and that of the demo's model 1.8 times, for the gradients of
    images in convolutions of 3×3 px above all. The flag is read once, while
    TensorFlow is imported (`IsMklEnabled` in its `core/util/port.cc`): there is
    no switching at run time.
    """
    if "tensorflow" not in sys.modules:
        os.environ.setdefault(FLAG, "1")


def is_missed(flag, enabled, machine):
    """Whether TensorFlow computes without oneDNN where nobody wanted that.

    Args:
        flag: `TF_ENABLE_ONEDNN_OPTS` as it stands now, which may be too late, or
            `None`.
        enabled: Whether TensorFlow uses oneDNN; `None` if it does not say.
        machine: Kind of processor, as `platform.machine` has it. Elsewhere than
            on x86 nothing was measured.

    Example:

    >>> is_missed(None, False, "x86_64"), is_missed("0", False, "x86_64")
    (True, False)
    """
    off_on_purpose = flag is not None and flag.lower() in ("0", "false")
    return enabled is False and not off_on_purpose and machine.lower() in ("x86_64", "amd64")
