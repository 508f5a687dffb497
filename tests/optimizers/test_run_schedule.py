import keras
import numpy as np
import pytest
import tensorflow as tf

from cpc_keras.optimizers import RunSchedule, WarmUp


def rates(schedule, steps):
    return [float(schedule(step)) for step in steps]


def keras_schedule(course, steps):
    """The same, put together from what Keras has."""
    schedules = keras.optimizers.schedules
    return {
        "cosine": schedules.CosineDecay(0.3, steps),
        "step": schedules.PiecewiseConstantDecay([round(0.6 * steps), round(0.85 * steps)], [0.3, 0.03, 0.003]),
        "constant": 0.3,
    }[course]


@pytest.mark.parametrize("course", ["cosine", "step", "constant"])
@pytest.mark.parametrize(("warmup_steps", "warm"), [(0, 0), (7, 7), (100, 9)])
def test_is_what_keras_says_after_a_warm_up_of_a_tenth_at_most(course, warmup_steps, warm):
    schedule = RunSchedule(0.3, 93, course, warmup_steps)
    expected = WarmUp(keras_schedule(course, 93), warm)
    np.testing.assert_allclose(rates(schedule, range(100)), rates(expected, range(100)), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("course", ["cosine", "step"])
def test_a_traced_step_follows_another_length(course):
    schedule = RunSchedule(0.3, 1000, course, warmup_steps=50)
    traced = tf.function(lambda step: schedule(step))
    traced(tf.constant(3))
    schedule.set_steps(200)
    fresh = RunSchedule(0.3, 200, course, warmup_steps=50)
    found = [float(traced(tf.constant(step))) for step in range(210)]
    np.testing.assert_array_equal(found, [float(tf.function(fresh)(tf.constant(step))) for step in range(210)])
    assert schedule.get_config() == fresh.get_config()
    assert traced.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("course", ["cosine", "step", "constant"])
def test_a_longer_run_begins_its_course_anew(course):
    schedule = RunSchedule(0.3, 100, course, warmup_steps=8)
    schedule.restart(100, 160, 0.1)
    fresh = RunSchedule(0.1, 60, course, warmup_steps=8)
    np.testing.assert_allclose(rates(schedule, range(100, 165)), rates(fresh, range(65)), rtol=1e-6)
    again = RunSchedule.from_config(schedule.get_config())
    assert rates(again, range(100, 160)) == rates(schedule, range(100, 160))


def test_survives_in_a_saved_optimizer():
    schedule = RunSchedule(0.3, 90, "step", warmup_steps=5, decay_at=(0.5,), decay_factor=0.2, start=3)
    optimizer = keras.optimizers.Adam(schedule)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    for step in (3, 45, 46):
        optimizer.iterations.assign(step)
        again.iterations.assign(step)
        assert float(again.learning_rate) == float(optimizer.learning_rate)


@pytest.mark.parametrize(
    "arguments", [{"course": "linear"}, {"steps": 0}, {"steps": 5, "start": 5}, {"warmup_steps": -1}]
)
def test_refuses_what_is_out_of_range(arguments):
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`"):
        RunSchedule(**{"peak": 0.1, "steps": 10, **arguments})
