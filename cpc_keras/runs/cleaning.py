"""What a run weighs, and what of it is computed again where it is needed."""

import os
import re
import shutil

from cpc_keras.tables import Table

# What `cpc_keras.storage.atomic.atomic_write` was writing when its process was killed.
_PARTIAL = re.compile(r"\..*\.(partial|older)(\..*)?")


def clean(folder):
    """Frees what is computed again where it is needed: frozen features, and what killed processes left half-written.

    Args:
        folder: The `RunFolder`, in which nobody writes.

    Returns:
        `(table, freed)`: a `Table` of what the run weighs, and the bytes that are free now.

    Raises:
        OSError: If something cannot be removed.
    """
    parts = {
        "checkpoints": folder.checkpoints,
        "features": folder.evaluation / "features",
        "evaluation": folder.evaluation,
        "searches": folder.tuning,
        "detectors": folder.detection,
        "report": folder.report,
    }
    whole, sizes = weight(folder.path), {name: weight(path) for name, path in parts.items()}
    sizes["evaluation"] -= sizes["features"]
    halves = [path for path in _everything(folder.path) if _PARTIAL.fullmatch(os.path.basename(path))]
    freed = sizes["features"] + sum(map(weight, halves))
    for path in (parts["features"], *halves):
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.exists(path):
            os.unlink(path)
    table = Table(("part", "size", "now"))
    for name, size in sizes.items():
        if size:
            table.add(name, size_text(size), size_text(0 if name == "features" else size))
    table.add("all", size_text(whole), size_text(whole - freed), total=True)
    return table, freed


def weight(path):
    """Bytes of a file, or of all files in a folder; 0 of what is not there."""
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(one) for one in _everything(path) if os.path.isfile(one))


def size_text(size):
    """Bytes as people say them.

    Example:

    >>> [size_text(size) for size in (0, 999, 5_200_000, 2_340_000_000)]
    ['0 kB', '1 kB', '5 MB', '2.3 GB']
    """
    if size >= 10**9:
        return f"{size / 10**9:.1f} GB"
    return f"{size / 10**6:.0f} MB" if size >= 10**6 else f"{size / 10**3:.0f} kB"


def _everything(path):
    return [os.path.join(folder, name) for folder, folders, files in os.walk(path) for name in (*folders, *files)]
