"""What to try where pre-training does not pay."""

import shlex

from cpc_keras.config.fields import AUTO
from cpc_keras.config.image_sizes import larger_crop
from cpc_keras.config.jitter import ignored
from cpc_keras.runs.logs import still_falling

# Jitter of brightness or contrast beyond which a weaker one is advised.
_STRONG = 0.2


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
    other = _other_jitter(folder, recipe, asked)
    if other:
        found.append(other)
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


def _other_jitter(folder, recipe, asked):
    """What another jitter is to be, and how it is asked for; empty where labels have chosen it."""
    if folder.jitter_trial():
        return ""
    if recipe.patch_color_distortion and max(recipe.patch_brightness, recipe.patch_contrast) > _STRONG:
        return f"weaker jitter, --set jitter=weak (the encoder is taught to ignore {ignored(recipe)})"
    if asked.jitter != AUTO:
        return ""
    evaluated = folder.source() or {}
    file = evaluated["data"].removeprefix("csv:") if evaluated.get("cross_validate") else "FILE.csv"
    return f"the jitter that a few labels speak for, --labels {shlex.quote(file)} (a short trial compares three)"
