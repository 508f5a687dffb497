"""Files that should have been images and are not: which, why, and how many are put up with."""

import dataclasses

from cpc_keras.errors import InputError

# Bad files that a message names.
_NAMED = 3


@dataclasses.dataclass(frozen=True)
class BadFile:
    """A file that was left out, and why."""

    path: str
    reason: str


def plain_reason(error):
    """Why a file cannot be read, as the end of a sentence about it."""
    if isinstance(error, FileNotFoundError):
        return "is not there"
    if isinstance(error, PermissionError):
        return "may not be read (permission denied)"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read ({error.strerror.lower()})"
    return str(error) or type(error).__name__


def check_bad_share(name, good, bad, max_bad_share):
    """Raises `InputError` if too many files of a source are bad."""
    if not good or len(bad) > max_bad_share * (good + len(bad)):
        first = "; ".join(f"{file.path}: {file.reason}" for file in bad[:_NAMED])
        first = f", such as {first}" if bad else ""
        share = f"be readable but for a share of {max_bad_share:g} (`max_bad_share`)"
        raise InputError(
            f"`data` must {share if max_bad_share < 1 else 'hold an image that can be read'}. "
            f"Received: {name} with {len(bad):,} bad files of {good + len(bad):,}{first}"
        )
