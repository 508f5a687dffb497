"""Recipe → models."""

import keras

from cpc_keras.layers import PatchAugmentation
from cpc_keras.models import CPC, ResNet, ResNet18, ResNet50

_NAMED = {"resnet18": ResNet18, "resnet50": ResNet50}


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
    if recipe.encoder in _NAMED:
        return _NAMED[recipe.encoder](**common)
    return ResNet(recipe.widths, recipe.blocks, **common)


def build_cpc(recipe):
    """The untrained CPC model of a resolved recipe, weights drawn from its seed.

    Args:
        recipe: A `Recipe` without `"auto"`.

    Returns:
        A built, compiled `CPC`.
    """
    keras.utils.set_random_seed(recipe.seed)
    model = CPC(
        build_encoder(recipe),
        recipe.patch_size,
        recipe.stride,
        offsets=recipe.offsets,
        directions=recipe.directions,
        target_dim=recipe.target_dim,
        scale=recipe.scale,
        context_blocks=recipe.context_blocks,
        context_width=recipe.context_width,
        augmentation=PatchAugmentation(
            flip=recipe.patch_flip,
            brightness=recipe.patch_brightness,
            contrast=recipe.patch_contrast,
            colour_dropping=recipe.patch_colour_dropping,
            seed=recipe.seed,
            dtype="float32",
        ),
        dtype=recipe.precision,
    )
    model.build((None, recipe.crop, recipe.crop, recipe.channels))
    model.compile(optimizer=_optimizer(recipe), jit_compile=False)
    model.optimizer.build(model.trainable_weights)
    return model


def _optimizer(recipe):
    warmup = min(recipe.warmup_steps, recipe.steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else recipe.learning_rate,
        decay_steps=max(1, recipe.steps - warmup),
        warmup_target=recipe.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
    return keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay, global_clipnorm=recipe.clip_norm)
