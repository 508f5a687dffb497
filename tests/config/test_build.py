import numpy as np
import pytest

from cpc_keras.backend import distribution
from cpc_keras.backend.kernels import adam
from cpc_keras.config.build import build_cpc, build_encoder, build_optimizer
from cpc_keras.config.recipe import ENCODERS, Recipe
from cpc_keras.describing.cost import without_weights

SMALL = {
    "crop": 28,
    "patch_size": 12,
    "stride": 4,
    "channels": 1,
    "stem": "medium",
    "widths": (8, 16),
    "blocks": (1, 1),
    "context_blocks": 1,
    "context_width": 8,
    "precision": "float32",
}


def rates(steps, *, at, **fields):
    schedule = build_optimizer(Recipe(steps=steps, **SMALL, **fields))
    found = []
    for step in at:
        schedule.iterations.assign(step)
        found.append(float(schedule.learning_rate))
    return found


def test_cosine_rises_and_falls_to_zero():
    found = rates(1000, at=(0, 50, 100, 500, 1000), learning_rate=0.1, warmup_steps=100)
    expected = [0.5 * 0.1 * (1 + np.cos(np.pi * t / 1000)) for t in (0, 50, 100, 500, 1000)]
    expected[0], expected[1] = 0.0, expected[1] / 2
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_steps_fall_at_their_shares():
    fields = {"schedule": "step", "decay_at": (0.5, 0.8), "decay_factor": 0.1, "learning_rate": 1.0, "warmup_steps": 0}
    np.testing.assert_allclose(rates(100, at=(0, 50, 51, 80, 81), **fields), [1, 1, 0.1, 0.1, 0.01], rtol=1e-5)


def test_a_warm_up_never_takes_more_than_a_tenth():
    assert rates(40, at=(4,), schedule="constant", learning_rate=1.0, warmup_steps=100) == [1.0]
    assert rates(2, at=(0,), schedule="constant", learning_rate=1.0, warmup_steps=100) == [1.0]


def test_published_constants_reach_the_optimizer():
    optimizer = build_optimizer(
        Recipe(
            steps=12,
            **SMALL,
            beta_1=0.8,
            beta_2=0.99,
            epsilon=1e-8,
            clip_norm=0.01,
            weight_decay=0.1,
            average_decay=0.9999,
            accumulate=4,
        )
    )
    found = {name: getattr(optimizer, name) for name in ("beta_1", "beta_2", "epsilon", "weight_decay")}
    assert found == {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-8, "weight_decay": 0.1}
    assert (optimizer.global_clipnorm, optimizer.average_decay) == (0.01, 0.9999)
    assert optimizer.gradient_accumulation_steps == 4


def test_patch_fields_reach_the_layer():
    model = build_cpc(Recipe(steps=1, seed=7, **SMALL, patch_flip=0.3, patch_contrast=0.1, patch_clip=False))
    layer = model.augmentation
    assert (layer.flip, layer.contrast, layer.clip, layer.seed) == (0.3, 0.1, False, 7)


def test_same_seed_same_weights():
    one, two, other = (build_cpc(Recipe(steps=1, seed=seed, **SMALL)).get_weights() for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(one, two, strict=True))
    assert any((a != b).any() for a, b in zip(one, other, strict=True))


@pytest.mark.slow
def test_on_an_accelerator_xla_compiles_the_step_which_is_then_the_same(monkeypatch, photo_crops):
    """With all that a run adds to a step: augmentation, clipping, averages, the batch's digest, the wish to stop."""
    monkeypatch.setattr(adam, "_LARGE", 1)

    def losses():
        model = build_cpc(Recipe(steps=10, **SMALL, offsets=(2,), average_decay=0.9, clip_norm=0.1))
        model.log_batches()
        model.listen_for_stop()
        logs = [model.train_on_batch(photo_crops, np.arange(12), return_dict=True) for _ in range(3)]
        return model.jit_compile, logs

    plainly, expected = losses()
    monkeypatch.setattr(distribution, "has_accelerator", lambda: True)  # the same processor stands in for it
    compiled, found = losses()
    assert (plainly, compiled) == (False, True)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.keys() == theirs.keys() and "batch_digest" in ours
        for name, value in theirs.items():
            assert ours[name] == pytest.approx(value, rel=1e-4), name


@pytest.mark.parametrize("name", ENCODERS)
def test_encoders_by_name(name):
    recipe = Recipe(steps=1, encoder=name, **SMALL)
    encoder = without_weights(lambda: build_encoder(recipe))
    assert encoder.name == name
    assert encoder.output_shape[-1] == {"resnet": 16, "resnet18": 256, "resnet34": 256}.get(
        name, 4096 if name in ("resnet161", "resnet170") else 1024
    )
    assert without_weights(lambda: build_encoder(recipe, include_top=True, classes=4)).output_shape == (None, 4)
