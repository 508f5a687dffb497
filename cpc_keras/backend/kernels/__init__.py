"""Ways around what a processor computes slowly, or wrongly, behind one switch.

* `convolution`: the gradient of a convolution's kernel as products of matrices. In bfloat16, on maps of few pixels and
  many channels, it takes 19 ms where oneDNN takes 143.
* `strided`: 1 × 1 convolutions with a stride on the pixels that they look at. With few channels oneDNN's gradient of
  them writes past its memory (TensorFlow 2.21 with AVX-512).
* `layer_norm`: ten passes over the maps, compiled by XLA, where operation by operation it is some thirty.
* `adam`: the update of a large weight in one compiled pass, where it is an operation a term.
* `split_batch`: the encoder on two halves of the patches at once, which keeps all cores busy: 0.68 to 0.97 of the time.

`benchmarks/kernels.py` measures what each is worth on the machine at hand. The environment variable
`CPC_KERAS_KERNELS=0` leaves all of them out, and so does `switched_off()`. Without `strided` a network with such
convolutions may crash on a processor.
"""

import contextlib
import os

FLAG = "CPC_KERAS_KERNELS"
NAMES = ("convolution", "strided", "layer_norm", "adam", "split_batch")
_off: set[str] = set()


def enabled(name):
    """Whether one of `NAMES` is used where it pays."""
    return name not in _off and os.environ.get(FLAG, "1") != "0"


@contextlib.contextmanager
def switched_off(*names):
    """A context in which what is traced uses none of them, or none of those named.

    Args:
        *names: Out of `NAMES`; all if none is given.

    Example:

    >>> with switched_off("adam"):
    ...     enabled("adam"), enabled("strided")
    (False, True)
    """
    before = set(_off)
    _off.update(names or NAMES)
    try:
        yield
    finally:
        _off.clear()
        _off.update(before)
