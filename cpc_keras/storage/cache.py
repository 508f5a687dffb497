"""Where that is kept which can be had again."""

import os
import pathlib
import tempfile


def cache_folder():
    """The package's folder in the user's cache; in the system's temporary folder where nobody has a home.

    It need not exist, and need not be writable.

    Example:

    >>> cache_folder().name
    'cpc_keras'
    """
    for place in (os.environ.get("XDG_CACHE_HOME", ""), os.path.expanduser("~/.cache")):
        if os.path.isabs(place):  # what is relative the specification has ignored; of no home `~` is left
            return pathlib.Path(place, "cpc_keras")
    return pathlib.Path(tempfile.gettempdir(), "cpc_keras")
