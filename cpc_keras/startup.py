"""What a command does before its work."""

import os


def open_console():
    """Imports TensorFlow without its start-up chatter and opens a console."""
    from rich.console import Console

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
    return Console(highlight=False, soft_wrap=True)
