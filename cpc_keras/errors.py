"""Why a command ends early, and what a message may hold."""

import unicodedata

# Marks that turn the direction of writing: what follows them would be read backwards.
_TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


class InputError(ValueError):
    """What the user gave cannot be used; the message is one line and says why.

    The command line prints it as it is and exits with code 2. Whatever it quotes is
    made `printable`.
    """

    def __init__(self, message):
        super().__init__(printable(str(message)))


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


def printable(text, keep=""):
    r"""A text as people may be shown it: in one line, with escapes in place of what is no letter.

    Names of files and classes may hold line breaks, commands to a terminal, marks that
    turn the direction of writing, and bytes that are no UTF-8, which Python keeps as
    surrogates.

    Args:
        text: Any string.
        keep: Letters that stay as they are.

    Example:

    >>> print(printable("red\x1b[31m\tcaf\udce9"))
    red\x1b[31m\tcaf\xe9
    """
    if text.isprintable():
        return text
    return "".join(one if one in keep else _escaped(one) for one in text)


def _escaped(letter):
    if "\udc80" <= letter <= "\udcff":  # a byte
        return f"\\x{ord(letter) - 0xDC00:02x}"
    if letter in _TURNING or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp"):
        return letter.encode("unicode_escape").decode()
    return letter
