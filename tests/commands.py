"""The command line as a user types it, and a recipe that is small enough for it."""

from tests.processes import run, running

RECIPE = '''"""Small enough to train in a test."""
short_side = 32
crop = 28
patch_size = 12
stride = 4
widths = (8, 16)
blocks = (1, 1)
directions = ("down", "left")
offsets = (2, 3)
context_blocks = 1
context_width = 8
precision = "float32"
batch_size = 4
steps = 2
checkpoint_every = 1
max_bad_share = 0.2
'''
COMMAND = ("-m", "cpc_keras.cli")


def cpc_keras(*arguments, cwd, code=None, **kwargs):
    """Runs the command as a user would; returns the finished process."""
    done = run(*COMMAND, *arguments, cwd=cwd, **kwargs)
    if code is not None:
        assert done.returncode == code, done.stdout + done.stderr
    return done


def cpc_keras_running(*arguments, cwd, **kwargs):
    """The command while it runs, as a context; its standard error has a pipe of its own."""
    return running(*COMMAND, *arguments, cwd=cwd, apart=True, **kwargs)


def check_refusal(arguments, message, place, **kwargs):
    """One line on standard error, exit code 2, and nothing half-written."""
    before = sorted(path.relative_to(place) for path in place.rglob("*"))
    done = cpc_keras(*arguments.split(), cwd=place, code=2, **kwargs)
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("cpc-keras: ")
    assert message in lines[0]
    assert sorted(path.relative_to(place) for path in place.rglob("*")) == before
