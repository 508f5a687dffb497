"""What searches are left with, by predictions that are written down here."""

import keras
import keras_tuner
import numpy as np
import pytest

from cpc_keras.errors import InputError
from cpc_keras.evaluation.scores import balanced_score
from cpc_keras.tuning.racing import RacingHyperModel

TRUTH = np.repeat([0, 1], [10, 30])
EVERY = np.arange(40)
FAILS = "fails"


def right(*places):
    """Probability of the truth of each label: 0.8 at these places, 0.2 elsewhere."""
    return np.where(np.isin(EVERY, places), 0.8, 0.2)


def probabilities(truly):
    """`[40, 2]`, from the probability of the truth of each label."""
    return np.where(np.eye(2)[TRUTH] > 0, truly[:, None], 1 - truly[:, None])


class WrittenDown(RacingHyperModel):
    """Settings are numbers; each has the probability that it gives to the truth of every label."""

    digest = "written down"
    truth = TRUTH

    def __init__(self, folder, truly, splits=(EVERY,), epochs=1):
        super().__init__("written down", folder, epochs)
        self.truly = truly
        self.splits = splits
        self.asked = []

    def coarse_space(self):
        return keras_tuner.HyperParameters()

    def setting(self, hp):
        return {"number": hp.Choice("number", list(range(len(self.truly))), default=0)}

    def build(self, hp):
        self.setting(hp)
        return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])

    def held_out_predictions(self, setting, share):
        if self.truly[setting["number"]] is FAILS:
            raise keras_tuner.errors.FailedTrialError("it does not fit")
        found = probabilities(self.truly[setting["number"]])
        return self._predictions(setting["number"], share, found), None

    def _predictions(self, number, share, found):
        for split in self.splits:
            self.asked.append((number, share))
            yield split, found[split]


def searched(hypermodel, folder, kind=keras_tuner.GridSearch, **kwargs):
    tuner = kind(
        hypermodel,
        objective=hypermodel.objective,
        directory=str(folder),
        seed=1,
        max_consecutive_failed_trials=9,
        **kwargs,
    )
    tuner.search(verbose=0)
    return tuner


def of(hypermodel, number):
    """Hyperparameters of a setting."""
    hp = keras_tuner.HyperParameters()
    hypermodel.setting(hp)
    hp.values["number"] = number
    return hp


@pytest.mark.parametrize(
    ("rivals", "best"),
    [
        ([right(*range(21), 30, 31)], 0),  # one hit more on 40 labels is luck
        ([right(*range(30))], 1),  # eight are not
        ([right(*range(10), *range(15, 34)), right(*range(26))], 1),  # the best counts, not the surest
        ([right(*range(10), *range(22, 36)), right(*range(23))], 0),  # two more hits of 26 that changed
        ([right(*range(20)), np.full(40, np.nan)], 0),
        ([FAILS, right(*range(30))], 2),
    ],
)
def test_a_setting_must_be_ahead_of_the_default_by_more_than_its_error(rivals, best, tmp_path):
    hypermodel = WrittenDown(tmp_path / "kept", [right(*range(22)), *rivals])
    tuner = searched(hypermodel, tmp_path)
    assert len(tuner.oracle.trials) == 1 + len(rivals)
    assert hypermodel.best(tuner).values["number"] == best


def test_what_was_not_trained_to_the_end_is_not_found(tmp_path):
    truly = [right(*range(20 + number)) for number in range(12)]
    hypermodel = WrittenDown(tmp_path / "kept", truly, epochs=3)
    tuner = searched(hypermodel, tmp_path / "whole", keras_tuner.Hyperband, max_epochs=3)
    best = hypermodel.best(tuner).values
    ended = [trial.hyperparameters.values for trial in tuner.oracle.trials.values()]
    assert best["number"] == max(values["number"] for values in ended if values["tuner/epochs"] == 3) > 0
    assert any(values["tuner/epochs"] < 3 for values in ended)

    # Here a part of a training is best, which the whole one is not.
    hypermodel.held_out_predictions = lambda setting, share: (
        [(EVERY, probabilities(right(*range(22 if share == 1 else 40))))],
        None,
    )
    hypermodel._trials.folder = tmp_path / "others"
    hypermodel._defaults.clear()
    assert hypermodel.best(tuner).values["number"] == 0

    shorter = searched(hypermodel, tmp_path / "shorter", keras_tuner.Hyperband, max_epochs=2)
    with pytest.raises(InputError, match="finished a trial of all 3 epochs of the hypermodel"):
        hypermodel.best(shorter)


def test_classes_count_alike_however_often_a_label_is_held_out(tmp_path):
    rng = np.random.default_rng(0)
    truly = rng.uniform(size=40)
    accuracy, likelihood = balanced_score(TRUTH, probabilities(truly))
    halves = np.split(rng.permutation(40), 2)
    for splits in ([EVERY], halves, [*halves, EVERY]):
        hypermodel = WrittenDown(tmp_path / str(len(splits)), [truly], splits)
        figures = hypermodel.figures(keras_tuner.HyperParameters())
        assert figures["balanced_accuracy"] == pytest.approx(accuracy)
        assert figures["log_likelihood"] == pytest.approx(likelihood)
        assert figures["score"] == pytest.approx(accuracy + 0.1 * likelihood)


def test_the_error_of_a_lead_is_that_of_pairs(tmp_path):
    """Both settings are tested on the same labels: where they differ alike, nothing is uncertain."""
    truly = np.linspace(0.1, 0.4, 40)
    hypermodel = WrittenDown(tmp_path, [truly, 1.2 * truly, np.where(EVERY % 2, truly, 1.2 * truly)])
    alike, differing = (hypermodel.figures(of(hypermodel, number)) for number in (1, 2))
    assert alike["lead"] == pytest.approx(0.1 * np.log(1.2), rel=1e-4)
    assert alike["error"] == pytest.approx(0.0, abs=1e-6)
    # Half of the labels of each class gain: a spread of half the gain, of 10 and of 30 labels, two classes alike.
    gain = 0.1 * np.log(1.2)
    assert differing["lead"] == pytest.approx(gain / 2, rel=1e-4)
    assert differing["error"] == pytest.approx(gain / 2 * np.sqrt(40 / 38) * np.sqrt(1 / 10 + 1 / 30) / 2, rel=1e-4)


QUARTERS = [EVERY[start::4] for start in range(4)]
PAIRS = [np.array([first, 10 + first]) for first in range(10)]


@pytest.mark.parametrize(
    ("splits", "truly", "asked"),
    [
        (QUARTERS, right(*range(2)), 1),
        (QUARTERS, np.full(40, np.nan), 1),
        (QUARTERS, right(*range(10), *range(20, 30)), 4),  # as many hits, elsewhere
        (QUARTERS, right(*range(30)), 4),
        (QUARTERS, right(*(place for place in range(20) if place % 4 != 1)), 2),  # alike in the first quarter
        (PAIRS, right(), 2),  # one label of each class does not say how uncertain it is
    ],
)
def test_what_falls_behind_the_default_is_not_trained_for_the_rest(splits, truly, asked, tmp_path):
    hypermodel = WrittenDown(tmp_path, [right(*range(20)), truly], splits)
    figures = hypermodel.figures(of(hypermodel, 1))
    assert hypermodel.asked.count((0, 1.0)) == len(splits)
    assert hypermodel.asked.count((1, 1.0)) == asked
    assert figures["held_out"] == asked * len(splits[0])
    assert (figures["lead"] < -figures["error"]) == (asked < len(splits))


def test_what_fell_behind_has_the_figures_of_the_default_and_its_distance(tmp_path):
    default, behind = right(*range(20)), right(*range(4))
    hypermodel = WrittenDown(tmp_path, [default, behind], QUARTERS)
    whole, figures = (hypermodel.figures(of(hypermodel, number)) for number in (0, 1))
    first = QUARTERS[0]
    for name, place in (("balanced_accuracy", 0), ("log_likelihood", 1)):
        theirs, ours = (balanced_score(TRUTH[first], probabilities(truly)[first])[place] for truly in (default, behind))
        assert figures[name] == pytest.approx(whole[name] + ours - theirs)
    assert figures["score"] == pytest.approx(figures["balanced_accuracy"] + 0.1 * figures["log_likelihood"])
    assert figures["lead"] == pytest.approx(figures["score"] - whole["score"])


def test_a_part_of_a_training_races_against_as_long_a_one_of_the_default(tmp_path):
    hypermodel = WrittenDown(tmp_path, [right(*range(30)), right(*range(28))], QUARTERS, epochs=3)
    whole = hypermodel.held_out_predictions
    short = WrittenDown(tmp_path, [right(*range(8)), right(*range(12))], QUARTERS)
    hypermodel.held_out_predictions = lambda setting, share: (whole if share == 1 else short.held_out_predictions)(
        setting, share
    )
    hp = of(hypermodel, 1)
    figures = hypermodel.fit(hp, hypermodel.build(hp), epochs=1)
    assert short.asked == [(0, 1 / 3)] * 4 + [(1, 1 / 3)] * 4 and not hypermodel.asked
    assert hypermodel.computed == 1  # the default is no trial
    assert figures["balanced_accuracy"] == pytest.approx((1 + 2 / 30) / 2)
