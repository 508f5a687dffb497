"""The same run from the same seed, bit for bit, in whatever process."""

import tensorflow as tf


def enable_determinism():
    """Makes TensorFlow's results depend on the program alone.

    Deterministic kernels are not enough: the arithmetic optimizer of graphs
    visits nodes in an order that depends on their addresses, and in bfloat16
    another order of additions is another sum. A large encoder came out of one
    and the same step in two ways, one or the other in each process, until that
    optimizer was off (or the system's address randomisation).
    """
    tf.config.experimental.enable_op_determinism()
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
