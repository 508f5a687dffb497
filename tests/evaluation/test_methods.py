import pytest

from cpc_keras.errors import InputError
from cpc_keras.evaluation import methods
from cpc_keras.evaluation.methods import METHODS, check_methods, default_methods, row_name
from cpc_keras.plots.curves import _style


@pytest.mark.parametrize("name", METHODS)
def test_a_row_says_all_that_others_ask(name):
    method = METHODS[name]
    assert method.name == name and method.words
    assert method.fits in ("probe", "network") and method.default in ("always", "test split", "no")
    known = ("frozen features", "frozen maps", "pre-trained weights", "new weights", "either weights")
    assert method.starts_from in known
    assert (method.probe is None) == (method.fits == "network")
    if method.fits == "probe":
        probe = method.new_probe(seed=7)
        assert probe.seed == 7 and all(getattr(probe, key) == value for key, value in method.arguments.items())
    assert row_name(name, "cpc") and row_name(f"{name}_tuned", "cpc").endswith(", tuned")
    assert _style(name, "cpc", [])["marker"] == method.marker


def test_what_is_evaluated_without_being_asked_for():
    assert default_methods(crossed=True) == ("linear", "knn")
    assert default_methods(crossed=False) == ("linear", "knn", "finetune", "resnet", "supervised")


def test_names_are_checked():
    check_methods(None)
    check_methods(tuple(METHODS))
    for wrong in ((), ("linear", "magic")):
        with pytest.raises(InputError, match="`--methods` must be names out of linear,"):
            check_methods(wrong)


def test_rows_of_records_stand_in_the_order_of_the_methods():
    names = ["supervised", "linear_tuned", "knn", "linear", "linear_default", "linear_v1"]
    ordered = sorted(names, key=methods.rank)
    assert ordered == ["linear", "linear_default", "linear_tuned", "linear_v1", "knn", "supervised"]
