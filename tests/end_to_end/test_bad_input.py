"""Ways to be wrong, each one line on standard error and exit code 2."""

import shutil

import pytest

from tests.commands import check_refusal


@pytest.fixture(scope="module")
def place(tmp_path_factory, pretrained):
    """A recipe, a trained run, folders with labels, and runs of which something is wrong."""
    place = shutil.copytree(pretrained, tmp_path_factory.mktemp("bad_input") / "place")
    (place / "empty").mkdir()
    (place / "file").write_text("")
    (place / "list.txt").write_text("nobody.png\n")
    (place / "missing.csv").write_text("path,label\ngone.png,cat\n")
    shutil.copytree(place / "run", place / "unlabelled")
    recipe = place / "unlabelled" / "recipe.json"
    recipe.write_text(recipe.read_text().replace("classes:labelled", "dir:labelled"))
    shutil.copytree(place / "run", place / "damaged")
    last = max((place / "damaged" / "checkpoints").iterdir())
    last.write_bytes(last.read_bytes()[:1000])
    return place


CASES = {
    "missing folder": (
        "pretrain small.py --data dir:nowhere",
        "`data` must name an existing folder. Received: dir:nowhere",
    ),
    "empty folder": ("pretrain small.py --data dir:empty", "`data` must hold at least one image file"),
    "unknown recipe field": (
        "pretrain small.py --data dir:{photos} --set patchsize=3",
        "Received: 'patchsize' (did you mean 'patch_size'?)",
    ),
    "patch larger than image": (
        "pretrain small.py --data dir:{photos} --run new --set patch_size=30",
        "`patch_size` must not exceed the image height of 28 px. Received: patch_size=30",
    ),
    "stride that loses pixels": (
        "pretrain small.py --data dir:{photos} --run new --set stride=5",
        "`stride` must divide the image height less `patch_size`",
    ),
    "unknown direction": (
        "pretrain small.py --data dir:{photos} --run new --set directions=('north',)",
        "`directions` must be distinct names out of ('down', 'right', 'up', 'left'). Received: directions=('north',)",
    ),
    "offset beyond the grid": (
        "pretrain small.py --data dir:{photos} --run new --set offsets=(5,)",
        "`offsets` must lie in [1, 4] for direction 'down' on a grid of 5 × 5 patches. Received: offsets=(5,)",
    ),
    "label CSV with a missing file": (
        "evaluate run --data csv:missing.csv",
        "Received: csv:missing.csv with 1 bad files of 1, such as gone.png: is not there",
    ),
    "fewer labels than classes": (
        "evaluate run --data classes:labelled --fractions 0.05",
        "`fractions` must give at least one label for each of the 2 classes",
    ),
    "unknown method": (
        "evaluate run --data classes:labelled --methods magic",
        "`--methods` must be names out of linear,linear_v1,",
    ),
    "an encoder that is none": (
        "evaluate run --data classes:labelled --encoder file",
        "`--encoder` must be a .keras file or the folder of a SavedModel that turns images of 28 × 28 px into vectors "
        "or maps. Received: file (SavedModel file does not exist",
    ),
    "labels from two places": (
        "evaluate run --data classes:labelled --labels missing.csv",
        "`--labels` takes the place of `--data`. Received: --data classes:labelled --labels missing.csv",
    ),
    "a label list of other images": (
        "evaluate run --data classes:labelled --subset list.txt",
        "`--subset` must name images of classes:labelled, each once. Received: list with 1 of 1 lines unknown",
    ),
    "some of the checkpoints": (
        "evaluate run --checkpoints some",
        "`--checkpoints` must be one of last, all. Received: some",
    ),
    "run folder of another recipe": (
        "pretrain small.py --data classes:labelled --run run --set seed=1",
        "`--run` must be a new folder or one of the same recipe. Received: run, where seed differ",
    ),
    "unwritable destination": (
        "export run file/out",
        "`DEST` must be a folder that can be written to. Received: file/out",
    ),
    "corrupt checkpoint": (
        "export damaged out",
        "as before goes on from step 1; without the file, that step is taken",
    ),
    "patch augmentation that does not fit": (
        "pretrain small.py --data dir:{photos} --run new --set patch_sub_crop=13",
        "`patch_sub_crop` must not exceed `patch_size`, 12 px. Received: patch_sub_crop=13",
    ),
    "unknown primitive": (
        "pretrain small.py --data dir:{photos} --run new --set patch_primitives=1 "
        "--set patch_primitive_ranges={{'twirl':(0,1)}}",
        "Received: primitive_ranges=",
    ),
    "unknown axis": (
        "ablate small.py --data classes:labelled --run new --axes MC,XX",
        "`--axes` must be distinct names out of MC,BU,LN,RC,HP,LP,PA. Received: MC,XX",
    ),
    "unknown accelerator": ("describe small.py --data dir:{photos} --accelerator abacus", "abacus"),
    "recipe that needs its images": ("describe folder", "`data` must name an existing folder. Received: dir:images"),
    "unwritable run folder": (
        "pretrain small.py --data dir:{photos} --run file/run",
        "`--run` must be a folder that can be written to. Received: file/run",
    ),
    "unknown option": ("pretrain small.py --colour red", "No such option: --colour"),
    "no such run": ("report nowhere", "`RUN` must be the folder of a run"),
    "no labels": ("evaluate unlabelled", "`data` must have labels to evaluate with"),
}
# Found before TensorFlow is there, by a recipe, and in what TensorFlow reads.
FRESH = ("unknown option", "unknown recipe field", "corrupt checkpoint")


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_is_one_line_and_exit_code_2(case, place, photo_folder):
    arguments, message = CASES[case]
    check_refusal(arguments.format(photos=photo_folder), message, place, fresh=case in FRESH)
