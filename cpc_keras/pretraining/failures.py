"""What may befall a training from outside."""

import contextlib

import tensorflow as tf

from cpc_keras.backend.distribution import has_many_workers
from cpc_keras.errors import InputError, Stopped, first_line
from cpc_keras.storage.disk import refusal

_WORKER_GONE = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.InternalError, tf.errors.CancelledError)


@contextlib.contextmanager
def errors_in_one_line(folder, strategy):
    """A context that says in one line why training broke off.

    It gives a wrapper for the function that reads images, which notices why it
    cannot: TensorFlow, which calls it, passes on less.

    Args:
        folder: The `RunFolder`.
        strategy: The `tf.distribute.Strategy` under which it trains.

    Raises:
        InputError: If images cannot be read any more, memory runs out, or files
            cannot be written.
        Stopped: If another worker is gone.
    """
    unreadable = []

    def watch(read):
        def watched(position):
            try:
                return read(position)
            except (OSError, ValueError) as error:
                unreadable.append(error)
                raise

        return watched

    last = f"the last good checkpoint is in {folder.checkpoints}"

    def unwritable(error):
        return InputError(
            f"`--run` must be a folder that can be written to; {last}, and the same command goes on from it. "
            f"Received: {folder.path} ({refusal(error) or error})"
        )

    try:
        yield watch
    except tf.errors.OpError as error:
        if unreadable:
            raise InputError(
                f"`data` must stay readable while a run trains; {last}. Received: {unreadable[0]}"
            ) from error
        if refusal(error):  # a full disk exhausts a resource, too
            raise unwritable(error) from error
        if isinstance(error, tf.errors.ResourceExhaustedError):
            raise InputError(
                f"`batch_size` must leave room in memory: a smaller one takes less, as does a smaller `crop`; "
                f"{last}. Received: {first_line(error)[:200]}"
            ) from error
        if has_many_workers(strategy) and isinstance(error, _WORKER_GONE):
            reason = (error.message.splitlines() or [""])[0]
            raise Stopped(
                "a worker is gone, and the others cannot go on without it; started again, all go on from the last "
                f"checkpoint in {folder.checkpoints} ({type(error).__name__}: {reason[:200]})"
            ) from error
        raise
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritable(error) from error
