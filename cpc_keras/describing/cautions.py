"""What a user should know about a recipe before training it."""

from cpc_keras.config.recipe import PATCH_SWITCHES
from cpc_keras.describing.accelerators import ACCELERATORS, GIB

# Convolutions in a row beyond which a network without norms counts as very deep.
_DEEP = 50


def cautions(recipe, figures):
    """Warnings about a recipe, by what they are about.

    Args:
        recipe: A resolved `Recipe`.
        figures: Its figures, as `cpc_keras.describing.recipe_figures.figures` counts them.

    Returns:
        A dictionary from `"overlap"`, `"batch_norm"`, `"no_norm"`,
        `"augmentation"`, `"accumulation"`, `"precision"`, `"weights"`, `"logits"`,
        `"activations"` or `"devices"` to a sentence or two; empty if there is
        nothing to say.
    """
    found = {}
    shared = {k: pixels for k, pixels in figures["geometry"]["overlap"].items() if pixels and int(k) in recipe.offsets}
    if shared:
        where = " and ".join(f"{pixels} px at offset {k}" for k, pixels in shared.items())
        found["overlap"] = (
            f"a predicted patch shares pixels with the last one seen ({where}): part of the task can be solved by "
            "copying. Larger offsets, smaller patches or a larger stride avoid that."
        )
    if recipe.normalization == "batch":
        found["batch_norm"] = (
            "batch statistics tie the patches of an image together, which lets the task be solved without looking "
            "at content. normalization='layer' does not."
        )
        if recipe.average_decay is not None:
            found["batch_norm"] += (
                " Its running statistics are not averaged with the weights, so the averaged model is not at its best."
            )
    if recipe.normalization == "none" and figures["encoder"]["depth"] > _DEEP:
        found["no_norm"] = (
            f"{figures['encoder']['depth']} convolutions in a row without norms: branches start at zero, so the start "
            "is sane, but large learning rates are more dangerous than with normalization='layer'."
        )
    if not any(getattr(recipe, name) for name in (*PATCH_SWITCHES, "patch_sub_crop")):
        found["augmentation"] = (
            "patches are not augmented: colour and texture alone can tell which patches belong together. See the "
            "fields patch_flip, patch_color_distortion and the like."
        )
    if recipe.accumulate > 1:
        found["accumulation"] = (
            f"accumulating {recipe.accumulate} batches adds no negatives: each batch of {recipe.batch_size} images is "
            f"compared within itself, {figures['loss']['candidates']:,} candidates to a query."
        )
    if recipe.precision == "float32":
        found["precision"] = (
            "precision='float32' does not reach the peaks in the table of accelerators, which are those of 16-bit "
            "numbers: expect a multiple of its hours. With precision='auto' a run computes in bfloat16 (16 bits, the "
            "range of float32) wherever the hardware has instructions for it."
        )
    return found | _of_memory(figures)


def _of_memory(figures):
    accelerator = ACCELERATORS[figures["accelerator"]["name"]]
    memory, cost = figures["memory"], figures["accelerators"][figures["accelerator"]["name"]]
    room = accelerator.usable - memory["state"]
    usable = f"the {_gib(accelerator.usable)} that one {accelerator.title} can fill"
    if room <= 0:
        return {"weights": f"weights and optimizer alone take {_gib(memory['state'])}, more than {usable}."}
    found = {}
    for kind, bytes_, advice in (
        ("logits", memory["logits"], "A smaller batch shrinks them with its square, a coarser grid too."),
        ("activations", memory["activations"] + memory["patches"], "A smaller batch shrinks them in proportion."),
    ):
        if bytes_ > room:
            found[kind] = (
                f"{kind} take {_gib(bytes_)} a step; beside weights and optimizer {_gib(room)} are left of {usable}. "
                f"{advice}"
            )
    if cost["devices"] is None:
        found["devices"] = (
            f"not even one image to a device fits: with {accelerator.title} no number of devices holds a step."
        )
    return found


def _gib(bytes_):
    return f"{bytes_ / GIB:,.1f} GiB"
