"""What is to be done as soon as Keras is there, without waking it."""

import sys
from typing import Any


def when_keras_is_imported(act):
    """Calls a function now, if Keras is imported, or else at the end of its import.

    Args:
        act: Function without arguments, which may import Keras.
    """
    if sys.modules.get("keras"):
        act()
    else:
        sys.meta_path.insert(0, _Watch(act))


class _Watch:
    """A finder that leaves finding to those behind it, and gives Keras a loader with something to do at its end."""

    def __init__(self, act):
        self.act = act

    def find_spec(self, name, path=None, target=None):
        if name != "keras":
            return None
        others = sys.meta_path[sys.meta_path.index(self) + 1 :]
        spec: Any = next(filter(None, (other.find_spec(name, path, target) for other in others)), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self.act)  # type: ignore[assignment]
        return spec


class _Loader:
    """A module's own loader, after which a function is called."""

    def __init__(self, own, act):
        self.own = own
        self.act = act

    def exec_module(self, module):
        module.__loader__ = module.__spec__.loader = self.own  # whoever asks the module from here on
        self.own.exec_module(module)
        self.act()

    def __getattr__(self, name):
        return getattr(self.own, name)
