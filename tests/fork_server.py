"""Starts Python processes that have their imports behind them.

python fork_server.py DESCRIPTOR SCRIPT runs SCRIPT, which imports, and then waits for requests at a socket.

Importing TensorFlow, Keras and the package takes six seconds of a processor; a process that is forked from one which
has done so begins its work after a tenth of one. It is as real as any: it has a number, takes signals, leaves an exit
code and shares no memory. It must be forked before TensorFlow touches a device. What it does share with its siblings
is what the operating system draws at random for a program: the order of sets of strings, and addresses.
"""

import atexit
import gc
import json
import os
import runpy
import signal
import socket
import sys
import threading


def serve(connection):
    """Forks at each request; returns, in the new process, what it is to become: arguments, folder, environment."""
    # Ctrl-C is for whoever started the tests.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        request, streams, *_ = socket.recv_fds(connection, 1 << 20, 4)
        reap()
        if not request:
            os._exit(0)
        if os.fork() == 0:
            connection.close()
            if (command := os.fork()) == 0:
                become(streams)
                return json.loads(request)
            watch(command, streams)
        for stream in streams:
            os.close(stream)


def become(streams):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    *standard, report = streams
    os.close(report)
    for number, stream in enumerate(standard):
        os.dup2(stream, number)
        os.close(stream)
    # What was opened before takes them for files.
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, encoding="utf-8", closefd=False, errors="backslashreplace")  # noqa: SIM115


def watch(command, streams):
    """Reports the number of a process, and, when it has ended, how."""
    *standard, report = streams
    os.dup2(standard[0], 2)  # whoever waits for what the server says is not to wait for this
    for stream in standard:
        os.close(stream)
    os.write(report, f"{command}\n".encode())
    _, status = os.waitpid(command, 0)
    os.write(report, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def reap():
    """Their time of the processor counts for the tests."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        pass


def run(arguments):
    """What `python ARGUMENTS` does: `-m MODULE …`, `-c CODE …` or `FILE …`."""
    kind, *rest = arguments
    if kind == "-m":
        sys.path.insert(0, os.getcwd())
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        sys.path.insert(0, "")
        sys.argv = ["-c", *rest[1:]]
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.path.insert(0, os.path.dirname(os.path.abspath(kind)))
        sys.argv = arguments
        runpy.run_path(kind, run_name="__main__")


def leave(code):
    """Ends a process as the interpreter does, but for taking modules apart: it shares them, and would copy each."""
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    channel = socket.socket(fileno=int(sys.argv[1]))
    exec(sys.argv[2])
    gc.collect()
    gc.freeze()  # what all share is not to be copied by the counting of references
    channel.sendall(b"ready")
    asked = serve(channel)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    try:
        run(asked["arguments"])
        code = 0
    except SystemExit as end:
        code = end.code or 0
        if not isinstance(code, int):
            raise
    leave(code)
