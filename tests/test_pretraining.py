import io

import pytest
from rich.console import Console

from cpc_keras import distribution, pretraining
from cpc_keras.building import build_cpc
from cpc_keras.pretraining import _model
from cpc_keras.recipe import Recipe
from cpc_keras.run_folder import RunFolder
from tests.test_building import SMALL


def test_a_run_taken_up_elsewhere_is_compiled_as_fits_there(tmp_path, monkeypatch):
    recipe, folder = Recipe(steps=10, offsets=(2,), **SMALL), RunFolder(tmp_path)
    folder.checkpoints.mkdir()
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(distribution, "has_accelerator", lambda: True)
        model = build_cpc(recipe)
    model.save(folder.checkpoint_file(0))
    taken_up, step = _model(recipe, folder)
    assert (model.jit_compile, taken_up.jit_compile, step) == (True, False, 0)


@pytest.mark.parametrize(
    ("precision", "native", "noted"),
    [("mixed_bfloat16", False, True), ("mixed_bfloat16", True, False), ("float32", False, False)],
)
def test_a_processor_without_bfloat16_is_told_of(precision, native, noted, photo_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(pretraining, "computes_in_bfloat16", lambda: native)
    console = Console(file=io.StringIO(), width=200)
    fields = {**SMALL, "precision": precision, "data": f"dir:{photo_folder}", "batch_size": 4}
    pretraining.pretrain(Recipe(steps=1, offsets=(2,), **fields), tmp_path / "run", console)
    assert ("precision='float32' is many times faster here" in console.file.getvalue()) is noted
