"""What to try where pre-training does not pay."""

from cpc_keras.config.image_sizes import larger_crop
from cpc_keras.runs.logs import still_falling

# Jitter of brightness and contrast beyond which they are said to be ignored, and what is advised in its place.
_STRONG, _WEAK = 0.2, 0.1


def advice(folder):
    """What to try where pre-training does not pay, in order, with what to add to the command.

    Args:
        folder: The `RunFolder`.

    Returns:
        A sentence.
    """
    recipe, asked, typical = folder.open(), folder.asked(), folder.typical_side()
    found = []
    crop = typical and larger_crop(asked, recipe, typical)
    if crop:
        found.append(f"more detail, --set crop={crop} (images are shrunk {typical / recipe.short_side:.1f} times)")
    jitter = {name: getattr(recipe, f"patch_{name}") for name in ("brightness", "contrast")}
    if recipe.patch_color_distortion and max(jitter.values()) > _STRONG:
        weaker = " ".join(f"--set patch_{name}={min(_WEAK, value):g}" for name, value in jitter.items())
        found.append(f"weaker jitter, {weaker} (the encoder is taught to ignore brightness and contrast)")
    done = max(folder.checkpoint_steps(), default=0)
    if done < recipe.steps:
        found.append(f"the rest of its steps, of which {done:,} of {recipe.steps:,} are done (as it is)")
    else:
        falling = "the loss was still falling; " if still_falling(folder.metrics(), recipe.steps) else ""
        found.append(f"more steps, --set steps={2 * recipe.steps} ({falling}this goes on with the run that is there)")
    return (
        "What to try, in this order, by the same `cpc-keras pretrain`, with another --run but for the last: "
        f"{'; '.join(found)}."
    )
