"""What is imported on demand: packages that only some users install, and modules that are slow to import."""

import importlib
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
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:  # a folder of that name: W&B writes one into the working directory
            raise InputError(f"`{argument}` needs {package}: pip install 'cpc-keras[{extra}]'. Received: no {package}")


def on_demand(package, homes, check=None):
    """The functions `__getattr__` and `__dir__` of a package whose names live in modules that are slow to import.

    Args:
        package: Name of the package.
        homes: From each public name to the module of the package that defines it;
            from the name of a module to `None`.
        check: Function without arguments that is called before anything is
            imported, and raises if the package cannot be used.

    Returns:
        `(__getattr__, __dir__)`, for the package's own namespace.

    Example:

    >>> find, _ = on_demand("cpc_keras", {"InputError": "errors", "errors": None})
    >>> find("errors").InputError is find("InputError")
    True
    """

    def find(name):
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if check:
            check()
        module = importlib.import_module(f"{package}.{homes[name] or name}")
        return getattr(module, name) if homes[name] else module

    return find, lambda: sorted({*vars(importlib.import_module(package)), *homes})
