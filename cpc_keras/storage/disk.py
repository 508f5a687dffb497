"""What a disk refuses: no room, no permission, a fault; the same words for all that is written."""

import contextlib
import errno
import os
import pathlib

from cpc_keras.errors import InputError, first_line

_FULL = [os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)]
_CLOSED = [
    os.strerror(code)
    for code in (
        *(errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO),
        *(errno.ENAMETOOLONG, errno.ENOTDIR, errno.ELOOP),
        *(errno.ESTALE, errno.ENOTCONN),  # of network disks
    )
]


class DiskError(InputError, OSError):
    """A file of a command could not be written."""


@contextlib.contextmanager
def writing(path):
    """A context in which what a disk refuses becomes a `DiskError` that names what was to be written.

    Args:
        path: The file or folder.

    Raises:
        DiskError: If a disk refused it, whatever library passed that on.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        if refusal(error) is None:
            raise
        named, path = getattr(error, "filename", None), pathlib.Path(path)
        if isinstance(named, str) and not named.startswith(str(path.parent)):
            path = pathlib.Path(named)  # a library's temporary file, elsewhere
        raise DiskError(unwritable(path.parent, "folder", path, error)) from error


def refusal(error):
    """What the system said when a disk refused something; `None` of an error of another kind.

    TensorFlow, HDF5 and Arrow have errors of their own for it, and all of them quote the system.

    Example:

    >>> refusal(OSError(errno.ENOSPC, "")), refusal(RuntimeError("cannot write: No space left on device"))
    ('No space left on device', 'No space left on device')
    >>> refusal(FileNotFoundError(errno.ENOENT, "No such file"))
    """
    said = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
    return next((reason for reason in (*_FULL, *_CLOSED) if reason in said), None)


def unwritable(name, kind, path, error):
    """What to say of something that cannot be written.

    Args:
        name: The argument, or the folder.
        kind: `"folder"` or `"file"`, that it must be.
        path: What was to be written.
        error: Why it was not.

    Example:

    >>> unwritable("--out", "file", "x.npz", OSError(errno.ENOSPC, ""))
    '`--out` must be a file that can be written to; the same command goes on when there is room. Received: x.npz
     (No space left on device)'
    """
    reason = refusal(error) or getattr(error, "strerror", None) or first_line(error)
    remedy = "; the same command goes on when there is room" if reason in _FULL else ""
    return f"`{name}` must be a {kind} that can be written to{remedy}. Received: {path} ({reason})"
