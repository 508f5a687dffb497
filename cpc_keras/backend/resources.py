"""How many processors and how much memory this process may use, which may be less than the machine has."""

import math
import os
import pathlib

# Read by TensorFlow when it makes its threads.
THREADS = "TF_NUM_INTRAOP_THREADS"
# A cgroup's limit of memory, what it takes, and the entry of `memory.stat` that the system can take back; version 2, 1.
_MEMORY = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
_ROOT = pathlib.Path("/")


def processors(root=_ROOT):
    """Processors that this process may use, by its affinity and by the quotas of its cgroup and of those above it.

    Args:
        root: Folder that stands for `/`.

    Returns:
        A whole number, at least 1; a part of a processor counts as one.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min([allowed, *map(_quota, _groups("cpu", root))])))


def free_memory(root=_ROOT):
    """Bytes that this process may still take.

    It is the least of what the machine has left, of what is left to the process' cgroup and those above it, and of
    what is left of its address space (`ulimit -v`).

    Args:
        root: Folder that stands for `/`.
    """
    import psutil  # the package's import does without it

    left = [psutil.virtual_memory().available, *map(_left, _groups("memory", root))]
    if hasattr(psutil, "RLIMIT_AS"):  # Linux alone
        limit, _ = psutil.Process().rlimit(psutil.RLIMIT_AS)
        if limit != psutil.RLIM_INFINITY:
            left.append(limit - psutil.Process().memory_info().vms)
    return max(0, min(left))


def limit_threads():
    """Has TensorFlow start as many threads for an operation as there are processors for them.

    By itself it goes by the affinity and knows no quota. `TF_NUM_INTRAOP_THREADS` stays
    as the user has set it.
    """
    allowed = processors()
    if allowed < (os.cpu_count() or 1):
        os.environ.setdefault(THREADS, str(allowed))


def _groups(controller, root):
    """Folders of this process' cgroup and of those above it, as far as they can be seen."""
    paths: dict[str, str] = {}
    for line in _lines(root / "proc/self/cgroup"):
        _, names, path = line.split(":", 2)
        paths |= dict.fromkeys(names.split(","), path)
    for line in _lines(root / "proc/self/mountinfo"):
        before, _, after = line.partition(" - ")
        kind, *_, options = after.split()
        # Version 2 has one tree without a name; version 1 has several, named by their controllers.
        name = {"cgroup2": "", "cgroup": controller}.get(kind)
        if name in paths and (not name or name in options.split(",")):
            shown, mounted = before.split()[3:5]
            top, path = root / mounted.lstrip("/"), pathlib.PurePosixPath(paths[name])
            own = top / path.relative_to(shown) if path.is_relative_to(shown) else top
            yield from (folder for folder in (own, *own.parents) if folder.is_relative_to(top))


def _quota(group):
    """Processors that a cgroup may use, infinite without a limit."""
    words = _words(group / "cpu.max")  # version 2: both in one file
    if not words:
        words = [*_words(group / "cpu.cfs_quota_us"), *_words(group / "cpu.cfs_period_us")]
    quota, period = map(_limit, words) if len(words) == 2 else (math.inf, 1)
    return quota / period


def _left(group):
    """Bytes that a cgroup may still take, infinite without a limit."""
    for most, used, dropped in _MEMORY:
        limit = _limit(*_words(group / most))
        if limit < math.inf:
            statistics = _words(group / "memory.stat")
            can_go = dict(zip(statistics[::2], statistics[1::2], strict=False)).get(dropped, "0")
            return limit - int(*_words(group / used)) + int(can_go)
    return math.inf


def _limit(word="max"):
    return int(word) if word.isdigit() else math.inf  # "max", or -1


def _words(path):
    return " ".join(_lines(path)).split()


def _lines(path):
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # there are no cgroups, or none of this kind
        return []
