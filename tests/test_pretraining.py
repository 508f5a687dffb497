from cpc_keras import distribution
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
