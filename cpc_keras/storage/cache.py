"""Where what can be found out again is kept between commands."""

import os
import pathlib
import tempfile


def cache_folder():
    """The user's folder for it, `$XDG_CACHE_HOME/cpc_keras` or `~/.cache/cpc_keras`; it need not exist.

    Where the user has no home it is a temporary one.
    """
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if not os.path.isabs(home):
        home = os.path.join(tempfile.gettempdir(), f"cpc_keras-{os.getuid()}")
    return pathlib.Path(home, "cpc_keras")
