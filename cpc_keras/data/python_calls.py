"""Calls of Python out of `tf.data`, and how to outlive them."""

import contextlib
import functools
import time

# Seconds between two looks, how many in a row must find nothing going on, and how long to wait for that at most.
_PAUSE, _LOOKS, _PATIENCE = 0.02, 3, 60


class _Calls:
    begun = ended = 0


def counted(function):
    """The function, with its calls counted for `calls_awaited`."""

    @functools.wraps(function)
    def call(*arguments):
        _Calls.begun += 1
        try:
            return function(*arguments)
        finally:
            _Calls.ended += 1

    return call


@contextlib.contextmanager
def calls_awaited():
    """A context that an exception leaves only when pipelines have filled their buffers and call no more.

    An iterator that is thrown away waits for the calls under way. These wait for
    Python's lock, and it is held by whoever throws the iterator away: a training
    that was broken off would hang for ever, now and then (TensorFlow 2.21).
    """
    try:
        yield
    except BaseException:
        await_calls()  # the exception holds the iterator still
        raise


def await_calls():
    """Waits until pipelines have filled their buffers and call no more; their iterators must be held meanwhile."""
    before, quiet = None, 0
    deadline = time.monotonic() + _PATIENCE
    while quiet < _LOOKS and time.monotonic() < deadline:
        state = (_Calls.begun, _Calls.ended)
        quiet = quiet + 1 if state == before and _Calls.begun == _Calls.ended else 0
        before = state
        time.sleep(_PAUSE)
