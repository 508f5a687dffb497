"""What is installed beside the package only by those who need it."""

import importlib.util

from cpc_keras.errors import InputError


def check_installed(packages, extra, argument):
    """Raises `InputError` unless packages can be imported.

    Args:
        packages: Their names, as they are imported.
        extra: The extra of `cpc-keras` that installs them.
        argument: What messages say needs them.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise InputError(f"`{argument}` needs {package}: pip install 'cpc-keras[{extra}]'. Received: no {package}")
