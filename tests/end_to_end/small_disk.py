"""Runs commands on a disk of their own that is full, or that must not be written to.

python small_disk.py PLACE KIND COMMANDS copies what is in PLACE to a disk in memory, which nobody else sees and which
is gone in the end, and runs the commands, a list in JSON, first while it is "full" or "closed" to writing, then, the
first two, with room. It prints `[first, then]`, each a list of exit code, standard error and hidden files that are
left; 77 is the exit code where mounting is not permitted.
"""

import ctypes
import json
import os
import pathlib
import shlex
import shutil
import sys

from cpc_keras.cli import main

NEW_NAMES, PRIVATE, REMOUNT, READ_ONLY = 0x20000, (1 << 14) + (1 << 18), 32, 1
# Bytes that are left on a full disk: enough to begin.
ROOM = 4 * 4096


def check(result):
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def mount(place, flags=0):
    check(libc.mount(b"tmpfs", os.fsencode(place), b"tmpfs", flags, b"size=8m"))


def fill(file):
    with open(file, "wb", buffering=0) as filler:
        try:
            while filler.write(bytes(4096)) == 4096:
                pass
        except OSError:
            pass
        filler.truncate(filler.tell() - ROOM)


def run(command):
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.dup2(writer, 2)
        sys.argv = ["cpc-keras", *shlex.split(command)]
        main()
    os.close(writer)
    with open(reader) as said:
        text = said.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code, text, [str(path) for path in pathlib.Path(".").rglob(".*")]


if __name__ == "__main__":
    place, full, commands = pathlib.Path(sys.argv[1]), sys.argv[2] == "full", json.loads(sys.argv[3])
    libc = ctypes.CDLL(None, use_errno=True)
    content, disk = place, place.with_name("disk")
    disk.mkdir()
    try:
        check(libc.unshare(NEW_NAMES))
        check(libc.mount(None, b"/", None, PRIVATE, None))
        mount(disk)
    except OSError:
        sys.exit(77)
    shutil.copytree(content, disk, dirs_exist_ok=True)
    os.chdir(disk)
    results = []
    said = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    fill("filler") if full else mount(disk, REMOUNT | READ_ONLY)
    results.append([run(command) for command in commands])
    os.unlink("filler") if full else mount(disk, REMOUNT)
    results.append([run(command) for command in commands[:2]])
    os.write(said, json.dumps(results).encode())
