"""Why a command ends early."""


class InputError(ValueError):
    """What the user gave cannot be used; the message is one line and says why.

    The command line prints it as it is and exits with code 2.
    """


class DivergedError(InputError):
    """Training has lost its numbers, which another learning rate may keep."""


class Stopped(Exception):  # noqa: N818  (nobody's error)
    """Work was cut short from outside: the process was told to end, or a worker is gone.

    The command line prints the message and exits with code 75, which sysexits.h
    calls a temporary failure: the same command, run again, goes on.
    """


def first_line(error):
    """What an error says in its first line; its kind, where it says nothing.

    Example:

    >>> first_line(ValueError("no such file\\nin the archive")), first_line(KeyError())
    ('no such file', 'KeyError')
    """
    return (str(error).splitlines() or [type(error).__name__])[0]
