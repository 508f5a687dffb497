"""What `cpc-keras --version` says; asking does not wake TensorFlow."""

import importlib.metadata
import platform

import cpc_keras


def version_words():
    """This package's version and, for reports of errors, those of what it computes with.

    Example:

    >>> version_words().startswith(f"cpc-keras {cpc_keras.__version__} (Python 3.")
    True
    """
    others = {"Python": platform.python_version()}
    for name, package in (("Keras", "keras"), ("TensorFlow", "tensorflow")):
        others[name] = importlib.metadata.version(package)
    told = ", ".join(f"{name} {version}" for name, version in others.items())
    return f"cpc-keras {cpc_keras.__version__} ({told})"
