"""What is wrong in a command is said before TensorFlow, which takes seconds, is imported."""

import pytest

from tests.processes import run

# In a process that has neither, a command that asked for them would end in a traceback.
WITHOUT = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None
from cpc_keras.cli import main
main()
"""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("pretrain fashion_mnist --set patchsize=3", "Received: 'patchsize' (did you mean 'patch_size'?)"),
        ("pretrain fashion_mnist --set steps=-1", "`steps` must be positive. Received: steps=-1"),
        ("pretrain fashion_mnist --minutes inf", "`--minutes` must lie in [0, 2,147,483,647]. Received: inf"),
        ("pretrain fashion_mnist --minutes 0", "`minutes` must be positive. Received: minutes=0.0"),
        ("describe fashion_mnist --utilisation nan", "`--utilisation` must lie in [0.01, 1]. Received: nan"),
        ("launch --workers 100000 pretrain fashion_mnist", "`--workers` must lie in [2, 256]. Received: 100000"),
        ("evaluate nowhere --labels-per-class 5,-5", "Each of `--labels-per-class` must be positive. Received: 5,-5"),
        ("pretrain nothing", "`RECIPE` must be an existing file or the name of a recipe"),
        ("pretrain folder --data dir:nowhere", "`data` must name an existing folder. Received: dir:nowhere"),
        (
            "pretrain fashion_mnist --strategy two",
            "`--strategy` must be one of one, mirrored, multi_worker, tpu. Received: two",
        ),
        ("describe fashion_mnist --accelerator abacus", "`accelerator` must be one of ('t4'"),
        ("ablate fashion_mnist --axes MC,XX", "`--axes` must be distinct names out of MC"),
        ("evaluate nowhere", "`RUN` must be the folder of a run, with a recipe.json. Received: nowhere"),
        ("evaluate nowhere --methods magic", "`--methods` must be names out of linear,"),
        ("evaluate nowhere --checkpoints some", "`--checkpoints` must be one of last, all. Received: some"),
        (
            "tune nowhere --labels-per-class 5 --tuner best",
            "`--tuner` must be one of random, bayesian, hyperband, g",
        ),
        ("tune nowhere --fraction some", "`--fraction` must be numbers separated by commas. Received: some"),
        (
            "tune nowhere --labels-per-class 5 --regime magic",
            "`--regime` must be one of linear, propagated, finetune, resnet, ",
        ),
        ("detect nowhere --set scale=1", "Received: 'scale' (did you mean 'scales'?)"),
        ("export nowhere there --format pdf", "`--format` must be one of saved_model, onnx, litert. Received: pdf"),
        ("embed nowhere --data dir:. --out x.npz", "`MODEL` must be a folder that `cpc-keras export` wrote"),
        ("models nowhere", "`FOLDER` must hold a folder that `cpc-keras export` wrote. Received: nowhere"),
        ("report nowhere", "`RUN` must be the folder of a run"),
    ],
)
def test_refuses_without_tensorflow(arguments, said, tmp_path):
    done = run("-c", WITHOUT, *arguments.split(), cwd=tmp_path, fresh=True)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1 and said in done.stderr
    assert not list(tmp_path.iterdir())


def test_fields_are_listed_without_tensorflow(tmp_path):
    done = run("-c", WITHOUT, "fields", "fashion_mnist", cwd=tmp_path, fresh=True)
    assert done.returncode == 0 and "patch_color_distortion" in done.stdout, done.stderr
