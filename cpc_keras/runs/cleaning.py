"""What a run weighs, and what of it is computed again where it is needed."""

import contextlib
import dataclasses
import os
import pathlib
import re
import shlex
import shutil

from cpc_keras.storage.owner import owned_folder, owned_output
from cpc_keras.tables import Table

# What `cpc_keras.storage.atomic.atomic_write` was writing, or was about to replace, when its process was killed.
_HALF = re.compile(r"\.(.*)\.(partial|older)(\.[^.]*)?")
# Locks of `cpc_keras.storage.owner`: of the folder that they lie in, or of what lies beside them.
_LOCK = re.compile(r"\.(.*\.)?owner")
# Bytes from which on somebody may want to know what a run weighs.
_HEAVY = 10**8


@dataclasses.dataclass(frozen=True)
class Cleaned:
    """What a run weighed and weighs.

    Attributes:
        before: Bytes of each part, and of `"all"`.
        after: The same afterwards.
    """

    before: dict
    after: dict

    @property
    def freed(self):
        """Bytes that are free now."""
        return self.before["all"] - self.after["all"]

    def table(self):
        """A `Table` of the parts that weigh something."""
        table = Table(("part", "size", "now"))
        for name, size in self.before.items():
            if size:
                table.add(name, size_text(size), size_text(self.after[name]), total=name == "all")
        return table


def clean(run):
    """Frees what is computed again where it is needed: frozen features, and what killed processes left half-written.

    Args:
        run: The `RunFolder`.

    Returns:
        A `Cleaned`.

    Raises:
        InputError: If another command writes into the folder.
        OSError: If something cannot be removed.
    """
    parts = {
        "checkpoints": run.checkpoints,
        "features": run.evaluation / "features",
        "evaluation": run.evaluation,
        "searches": run.tuning,
        "detectors": run.detection,
        "report": run.report,
    }

    def sizes():
        found = {name: weight(path) for name, path in parts.items()} | {"all": weight(run.path)}
        return found | {"evaluation": found["evaluation"] - found["features"]}

    with contextlib.ExitStack() as held:
        for lock in sorted({run.path / ".owner", *filter(_is_lock, _everything(run.path))}):
            beside = lock.with_name(lock.name[1:].removesuffix(".owner"))
            held.enter_context(
                owned_folder(lock.parent, "RUN") if lock.name == ".owner" else owned_output(beside, "RUN")
            )
        before = sizes()
        for path in [parts["features"], *filter(_is_half, _everything(run.path))]:
            _remove(path)
        after = sizes()
    return Cleaned(before, after)


def weight(path):
    """Bytes of all files in a folder; 0 of one that is not there."""
    return sum(one.lstat().st_size for one in _everything(path) if not one.is_dir())


def size_text(size):
    """Bytes as people say them.

    Example:

    >>> [size_text(size) for size in (0, 999, 5_200_000, 2_340_000_000)]
    ['0 kB', '1 kB', '5 MB', '2.3 GB']
    """
    if size >= 10**9:
        return f"{size / 10**9:.1f} GB"
    return f"{size / 10**6:.0f} MB" if size >= 10**6 else f"{size / 10**3:.0f} kB"


def weight_words(run):
    """What a run weighs and what frees some of it, in a sentence; nothing of a run that is light.

    Args:
        run: The `RunFolder`.
    """
    everything, features = weight(run.path), weight(run.evaluation / "features")
    if everything < _HEAVY:
        return ""
    command, said = f"`cpc-keras clean {shlex.quote(str(run.path))}`", size_text(everything)
    if features < everything / 10:
        checkpoints = size_text(weight(run.checkpoints))
        return f"{said}, {checkpoints} of it checkpoints. Features of images, which evaluations add, {command} frees."
    return f"{said}, of which {command} frees {size_text(features)}: features of images, computed again where needed."


def _is_lock(path):
    return _LOCK.fullmatch(path.name) is not None


def _is_half(path):
    """Whether it was left half-written; what was to be replaced, and has not been, is the only one there is."""
    found = _HALF.fullmatch(path.name)
    return found is not None and (found[2] == "partial" or path.with_name(f"{found[1]}{found[3] or ''}").exists())


def _remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _everything(path):
    return [pathlib.Path(folder, name) for folder, folders, files in os.walk(path) for name in (*folders, *files)]
