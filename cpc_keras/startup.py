"""What a command does before its work."""

import os


def plain_console():
    """A console that prints what it is given: names of classes and files may hold brackets."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True, markup=False)


def open_console():
    """Imports TensorFlow without its start-up chatter and opens a console."""
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2") != "0":
        # What TensorFlow logs before its logging is set up heeds no level.
        kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            import tensorflow as tf

            tf.config.list_logical_devices()
            tf.get_logger().setLevel("ERROR")  # it warns of every network that is traced anew
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)
    return plain_console()
