"""Everything about a recipe that can be counted before it is trained."""

import dataclasses
import math

from cpc_keras.config.ablation_axes import switch_off
from cpc_keras.config.build import build_encoder
from cpc_keras.config.jitter import with_jitter
from cpc_keras.config.recipe import AUTO
from cpc_keras.config.resolve import check_geometry, open_images, resolve, usual_minutes, usual_precision
from cpc_keras.describing.accelerators import ACCELERATORS, check_accelerator, devices_needed, hours
from cpc_keras.describing.cautions import cautions
from cpc_keras.describing.cost import STEP_FACTOR, logits_cost, parts, queries, state_memory, without_weights
from cpc_keras.errors import InputError

_FLOAT32 = 4


def settle(recipe, images=None, accelerator=True):
    """A recipe without `"auto"` or `epochs`, and with its switches applied.

    Args:
        recipe: A `Recipe`.
        images: The `ImageSet` it will see; opened from its `data` if `None`, and
            only if `"auto"` or `epochs` asks for it.
        accelerator: Whether what it leaves open is chosen as on an accelerator, or as
            on this machine (`None`).

    Returns:
        A resolved `Recipe`.

    Raises:
        InputError: If the recipe does not fit its images, or these are asked for
            and cannot be opened.

    Example:

    >>> from cpc_keras.config.recipe import Recipe
    >>> fields = {"channels": 3, "crop": 64, "patch_size": 24, "stride": 8, "stem": "medium", "batch_size": 32}
    >>> settle(Recipe(steps=1, **fields)).precision
    'mixed_bfloat16'
    """
    # What `resolve` chooses, whatever the images.
    if recipe.precision == AUTO:
        recipe = dataclasses.replace(recipe, precision=usual_precision(accelerator))
    if recipe.minutes == AUTO:
        recipe = dataclasses.replace(recipe, minutes=usual_minutes(accelerator))
    if asks_for_images(recipe):
        return resolve(recipe, images or images_for(recipe), accelerator)
    return switch_off(with_jitter(recipe, recipe.jitter))


def images_for(recipe, progress=None):
    """The images of a recipe that cannot be settled without them; `None` for others.

    Args:
        recipe: A `Recipe`.
        progress: As of `cpc_keras.config.resolve.open_images`.

    Raises:
        InputError: If they cannot be opened.
    """
    if not asks_for_images(recipe):
        return None
    return open_images(recipe, progress)


def asks_for_images(recipe):
    """Whether a recipe cannot be settled without its images."""
    left_open = {name for name, value in vars(recipe).items() if value == AUTO}
    return bool(left_open - {"precision", "minutes", "jitter"}) or recipe.epochs is not None


def check_machine(accelerator, utilisation):
    """Raises `InputError` unless the accelerator is known and the utilisation a share."""
    check_accelerator(accelerator)
    if not 0 < utilisation <= 1:
        raise InputError(f"`utilisation` must lie in (0, 1]. Received: utilisation={utilisation}")


def figures(recipe, accelerator="a100", utilisation=0.35):
    """Counts what a recipe takes.

    Args:
        recipe: A resolved `Recipe`.
        accelerator: A name out of `cpc_keras.describing.accelerators.ACCELERATORS`.
        utilisation: Share of its stated peak that training reaches, in (0, 1].

    Returns:
        A dictionary that JSON can hold: `"geometry"` (pixels), `"encoder"`,
        `"parameters"` by part, `"flops"` (of a forward pass over one image by
        part, `"image"` in all, `"step"` of a training step, `"run"`),
        `"memory"` (bytes of a training step), `"loss"` (candidates `N` to a
        query, chance `ln N`, queries by task), `"accelerator"`,
        `"accelerators"` (hours, devices) and `"warnings"`.

    Raises:
        InputError: If the geometry does not hold or an argument is out of range.
    """
    check_machine(accelerator, utilisation)
    if recipe.steps is None:
        raise InputError(
            "`steps` must be set, or the speed measured: how many fit into minutes cannot be counted. "
            f"Received: minutes={recipe.minutes:g}"
        )
    side = check_geometry(recipe)
    patch_shape = (recipe.patch_size, recipe.patch_size, recipe.channels)
    encoder = without_weights(lambda: build_encoder(recipe, input_shape=patch_shape))
    batch, candidates = recipe.batch_size, recipe.batch_size * side * side
    costs = parts(recipe, encoder, side, side)
    asked = queries(side, side, recipe.directions, recipe.offsets)
    logits = {task: logits_cost(batch * count, candidates, recipe.target_dim) for task, count in asked.items()}

    flops = {name: cost.flops for name, cost in costs.items()}
    flops["logits"] = sum(cost.flops for cost in logits.values()) // batch
    flops["image"] = sum(flops.values())
    flops["step"] = STEP_FACTOR * batch * flops["image"]
    flops["run"] = recipe.steps * flops["step"]
    parameters = {name: cost.parameters for name, cost in costs.items()}
    parameters["total"] = sum(parameters.values())

    fixed = sum(math.prod(weight.shape) for weight in encoder.non_trainable_weights)
    memory = state_memory(
        parameters["total"] - fixed, fixed, recipe.average_decay is not None, accumulated=recipe.accumulate > 1
    )
    memory["state"] = sum(memory.values())
    memory["patches"] = _FLOAT32 * candidates * math.prod(patch_shape)
    width = _FLOAT32 if recipe.precision == "float32" else 2
    memory["activations"] = batch * sum(cost.kept_bytes(width) for cost in costs.values())
    by_task = {task: _FLOAT32 * cost.values for task, cost in logits.items()}
    memory["logits"] = sum(by_task.values())
    memory["total"] = sum(memory[name] for name in ("state", "patches", "activations", "logits"))

    found = {
        "geometry": {
            "crop": recipe.crop,
            "patch_size": recipe.patch_size,
            "stride": recipe.stride,
            "rows": side,
            "cols": side,
            "overlap": {str(k): max(0, recipe.patch_size - k * recipe.stride) for k in range(1, side)},
        },
        "encoder": {
            "name": recipe.encoder,
            "latent_dim": encoder.output_shape[-1],
            "map": list(encoder.output_shape[1:3]),
            "depth": sum(layer.name.endswith("_conv") and "shortcut" not in layer.name for layer in encoder.layers),
        },
        "parameters": parameters,
        "flops": flops,
        "memory": memory | {"logits_by_task": by_task},
        "loss": {"candidates": candidates, "chance": math.log(candidates), "queries": asked},
        "run": {"steps": recipe.steps, "batch_size": batch, "images": recipe.steps * batch},
        "accelerator": {"name": accelerator, "utilisation": utilisation},
        "accelerators": {},
    }
    shared = memory["total"] - memory["state"]
    for name, machine in ACCELERATORS.items():
        devices = devices_needed(machine, memory["state"], shared, batch)
        found["accelerators"][name] = {
            "hours_on_one": hours(flops["run"], machine, utilisation),
            "devices": devices,
            "hours_on_those": hours(flops["run"], machine, utilisation, devices) if devices else None,
        }
    found["warnings"] = cautions(recipe, found)
    return found
