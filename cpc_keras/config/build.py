"""Recipe → models."""

import keras

from cpc_keras import models
from cpc_keras.backend.distribution import compiles_the_step
from cpc_keras.layers import PatchAugmentation
from cpc_keras.optimizers import AveragedAdamW, RunSchedule

_FAMILY = {
    name.lower(): getattr(models, name)
    for name in ("ResNet18", "ResNet34", "ResNet50", "ResNet101", "ResNet152", "ResNet161", "ResNet170")
}


def build_encoder(recipe, **kwargs):
    """The encoder of a resolved recipe.

    Args:
        recipe: A `Recipe` without `"auto"`.
        **kwargs: Passed on, such as `include_top=True, classes=10`.

    Returns:
        A `keras.Model` from `[N, h, w, C]` to a feature map.
    """
    common = {
        "input_shape": (None, None, recipe.channels),
        "stem": recipe.stem,
        "normalization": recipe.normalization,
        "dtype": recipe.precision,
        **kwargs,
    }
    if recipe.encoder in _FAMILY:
        return _FAMILY[recipe.encoder](stacks=recipe.stacks, **common)
    return models.ResNet(recipe.widths, recipe.blocks, **common)


def build_cpc(recipe):
    """The untrained CPC model of a resolved recipe, weights drawn from its seed.

    Args:
        recipe: A `Recipe` without `"auto"`.

    Returns:
        A built, compiled `CPC`.
    """
    keras.utils.set_random_seed(recipe.seed)
    model = models.CPC(
        build_encoder(recipe),
        recipe.patch_size,
        recipe.stride,
        offsets=recipe.offsets,
        directions=recipe.directions,
        target_dim=recipe.target_dim,
        scale=recipe.scale,
        context_blocks=recipe.context_blocks,
        context_width=recipe.context_width,
        augmentation=PatchAugmentation(**recipe.patch_augmentation, seed=recipe.seed, dtype="float32"),
        dtype=recipe.precision,
    )
    model.build((None, recipe.crop, recipe.crop, recipe.channels))
    model.compile(optimizer=build_optimizer(recipe), jit_compile=compiles_the_step())
    model.optimizer.build(model.trainable_weights)
    return model


def build_head(recipe, input_shape, classes, kind, dropout=0.0, dtype=None, **kwargs):
    """A classifier on an encoder's map, of the size that a recipe names.

    Args:
        recipe: A `Recipe`.
        input_shape: `(h, w, D)` of the map.
        classes: Number of classes.
        kind: See `cpc_keras.models.ClassifierHead`.
        dropout: Share of the features that is dropped in training.
        dtype: Dtype policy of its layers.
        **kwargs: `blocks`, `width` and `bottleneck`, where they are not the recipe's.

    Returns:
        A `keras.Model` from maps to probabilities.
    """
    size = {"blocks": recipe.head_blocks, "width": recipe.head_width, "bottleneck": recipe.head_bottleneck}
    return models.ClassifierHead(input_shape, classes, kind, dropout=dropout, dtype=dtype, **{**size, **kwargs})


def build_optimizer(recipe):
    """Adam, schedule, clipping, averaging and accumulation of a resolved recipe.

    Args:
        recipe: A `Recipe` without `"auto"`.

    Returns:
        An `AveragedAdamW`.
    """
    return AveragedAdamW(
        RunSchedule(
            recipe.learning_rate,
            recipe.steps,
            recipe.schedule,
            recipe.warmup_steps,
            recipe.decay_at,
            recipe.decay_factor,
        ),
        beta_1=recipe.beta_1,
        beta_2=recipe.beta_2,
        epsilon=recipe.epsilon,
        weight_decay=recipe.weight_decay,
        global_clipnorm=recipe.clip_norm,
        average_decay=recipe.average_decay,
        gradient_accumulation_steps=recipe.accumulate if recipe.accumulate > 1 else None,
    )
