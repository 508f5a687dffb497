"""Limits of a process, of which the least counts; trees of cgroups stand in for the machine's."""

import math
import os

import pytest

from cpc_keras.backend.resources import free_memory, processors
from tests.processes import run

GIB = 2**30
HERE = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@pytest.fixture
def machine(tmp_path):
    """`machine(files)`: a folder in which `/proc` and `/sys` are what `files` says."""

    def make(files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(f"{text}\n")
        return tmp_path

    return make


def version_2(path="/", shown="/", **files):
    mounts = f"30 24 0:26 {shown} /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"
    return {
        "proc/self/cgroup": f"0::{path}",
        "proc/self/mountinfo": f"24 1 8:1 / / rw - ext4 /dev/sda rw\n{mounts}",
        **{f"sys/fs/cgroup/{name}": text for name, text in files.items()},
    }


def version_1(path, shown, **files):
    mounts = [
        f"{number} 24 0:{number} {shown} /sys/fs/cgroup/{name} rw - cgroup cgroup rw,{name}"
        for number, name in ((31, "cpu,cpuacct"), (32, "memory"))
    ]
    return {
        "proc/self/cgroup": f"4:memory:{path}\n3:cpu,cpuacct:{path}\n0::/",
        "proc/self/mountinfo": "\n".join(mounts),
        **{f"sys/fs/cgroup/{name}": text for name, text in files.items()},
    }


def of_memory(folder, limit, used, inactive):
    return {
        f"{folder}memory.max": limit,
        f"{folder}memory.current": used,
        f"{folder}memory.stat": f"anon 5\n{inactive}",
    }


@pytest.mark.parametrize(
    ("files", "allowed"),
    [
        ({}, math.inf),
        (version_2(**{"cpu.max": "max 100000"}), math.inf),
        (version_2(**{"cpu.max": "50000 100000"}), 1),
        (version_2(**{"cpu.max": "150000 100000"}), 2),
        (version_2("/a/b", **{"a/cpu.max": "100000 100000", "a/b/cpu.max": "max 100000"}), 1),
        (version_2("/docker/x", shown="/docker/x", **{"cpu.max": "100000 100000"}), 1),
        (version_2("/elsewhere", shown="/docker/x", **{"cpu.max": "100000 100000"}), 1),
        (
            version_1("/x", "/", **{"cpu,cpuacct/x/cpu.cfs_quota_us": -1, "cpu,cpuacct/x/cpu.cfs_period_us": 1}),
            math.inf,
        ),
        (version_1("/x", "/x", **{"cpu,cpuacct/cpu.cfs_quota_us": 9000, "cpu,cpuacct/cpu.cfs_period_us": 10000}), 1),
    ],
)
def test_processors_are_those_of_affinity_and_of_every_cgroup_above(machine, files, allowed):
    assert processors(machine(files)) == min(allowed, HERE)


@pytest.mark.parametrize(
    ("files", "left"),
    [
        (version_2(**of_memory("", GIB, GIB // 2, f"inactive_file {GIB // 4}")), 3 * GIB // 4),
        (version_2("/a", **of_memory("", GIB, GIB // 2, "x 1"), **of_memory("a/", "max", 7, "x 1")), GIB // 2),
        (version_2("/a", **of_memory("", 2**50, 0, "x 1"), **of_memory("a/", 2**20, 2**21, "x 1")), 0),
        (
            version_1(
                "/x",
                "/x",
                **{
                    "memory/memory.limit_in_bytes": 2**20,
                    "memory/memory.usage_in_bytes": 2**19,
                    "memory/memory.stat": f"inactive_file 1\ntotal_inactive_file {2**18}",
                },
            ),
            3 * 2**18,
        ),
    ],
)
def test_memory_is_what_is_left_of_the_least_limit(machine, files, left):
    assert free_memory(machine(files)) == left


def test_without_cgroups_memory_is_that_of_the_machine(machine):
    assert free_memory(machine({})) > 2**20


def test_affinity_and_limits_of_the_address_space_count_and_tensorflow_hears_of_them():
    script = (
        "import os, resource, sys\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "import cpc_keras\n"
        "from cpc_keras.backend.resources import free_memory, processors\n"
        "print(processors(), os.environ.get('TF_NUM_INTRAOP_THREADS'), os.cpu_count() == 1)\n"
        "import psutil\n"
        "taken = psutil.Process().memory_info().vms\n"
        "resource.setrlimit(resource.RLIMIT_AS, (taken + 2**28, -1))\n"
        "print(free_memory() <= 2**28)\n"
    )
    limited = run("-c", script, fresh=True).stdout.split()
    assert limited == ["1", "1", "False", "True"] or limited == ["1", "None", "True", "True"]
    env = {**os.environ, "TF_NUM_INTRAOP_THREADS": "7"}
    assert run("-c", script, fresh=True, env=env).stdout.split()[1] == "7"
