"""What searches are left with, by answers that are written down here."""

import keras
import keras_tuner
import numpy as np
import pytest

from cpc_keras.evaluation.networks import balanced_score
from cpc_keras.tuning.judged import JudgedHyperModel

TRUTH = np.repeat([0, 1], [10, 30])
EVERY = np.arange(40)


def probabilities(truly):
    """`[40, 2]`, from the probability of the truth of each label."""
    return np.where(np.eye(2)[TRUTH] > 0, truly[:, None], 1 - truly[:, None])


class WrittenDown(JudgedHyperModel):
    """Settings are numbers; each has the probability that it gives to the truth of every label."""

    def __init__(self, folder, truly, splits=(EVERY,)):
        super().__init__("written down", folder, 1)
        self.truly = truly
        self.splits = splits

    digest = "written down"
    truth = TRUTH

    def coarse_space(self):
        return keras_tuner.HyperParameters()

    def setting(self, hp):
        return {"number": hp.Choice("number", list(range(len(self.truly))), default=0)}

    def build(self, hp):
        self.setting(hp)
        return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])

    def judge(self, setting, share):
        found = probabilities(self.truly[setting["number"]])
        return [(split, found[split]) for split in self.splits], None


def right(*places):
    """Right at these places, and wrong elsewhere."""
    return np.where(np.isin(EVERY, places), 0.8, 0.2)


def searched(hypermodel, folder):
    tuner = keras_tuner.GridSearch(hypermodel, objective=hypermodel.objective, directory=str(folder), seed=1)
    tuner.search(verbose=0)
    return tuner


@pytest.mark.parametrize(
    ("rivals", "best"),
    [
        ([right(*range(21), 30, 31)], 0),  # one hit more on 40 labels is luck
        ([right(*range(30))], 1),  # ten are not
        ([right(*range(10), *range(22, 40)), right(*range(26))], 2),  # the surest, not the one with the most hits
        ([right(*range(20)), np.full(40, np.nan)], 0),
    ],
)
def test_a_setting_must_be_surely_ahead_of_the_default(rivals, best, tmp_path):
    hypermodel = WrittenDown(tmp_path / "kept", [right(*range(22)), *rivals])
    tuner = searched(hypermodel, tmp_path)
    assert hypermodel.best(tuner).values["number"] == best


def test_classes_count_alike_however_often_a_label_is_judged(tmp_path):
    rng = np.random.default_rng(0)
    truly = rng.uniform(size=40)
    accuracy, likelihood = balanced_score(TRUTH, probabilities(truly))
    halves = np.split(rng.permutation(40), 2)
    for splits in ([EVERY], halves, [*halves, EVERY]):
        hypermodel = WrittenDown(tmp_path / str(len(splits)), [truly], splits)
        figures = hypermodel.figures(keras_tuner.HyperParameters())
        assert figures["balanced_accuracy"] == pytest.approx(accuracy)
        assert figures["log_likelihood"] == pytest.approx(likelihood, rel=1e-4)
        assert figures["score"] == pytest.approx(accuracy + 0.1 * likelihood, rel=1e-4)
        assert (figures["share"], figures["lead"], figures["sure_lead"]) == (1.0, 0.0, 0.0)


def test_the_error_of_a_lead_is_that_of_pairs(tmp_path):
    """Both settings are judged by the same labels: where they agree, nothing is uncertain."""
    hypermodel = WrittenDown(tmp_path, [np.full(40, 0.5), np.full(40, 0.6)])
    hp = keras_tuner.HyperParameters()
    hypermodel.setting(hp)
    hp.values["number"] = 1
    figures = hypermodel.figures(hp)
    # 0.1 log(0.6 / 0.5), and a hit of every label of class 1 (a tie goes to class 0), of which each weighs 2/3
    leads = np.where(TRUTH, 2 / 3, 2.0) * (0.1 * np.log(0.6 / 0.5) + TRUTH)
    assert figures["lead"] == pytest.approx(leads.mean(), rel=1e-4)
    assert figures["sure_lead"] == pytest.approx(leads.mean() - leads.std(ddof=1) / np.sqrt(40), rel=1e-4)
