"""What `recipe.json` says of a run: read and checked, and compared with what is asked for now."""

import dataclasses
import json
import platform
from importlib import metadata

from cpc_keras.config.fields import AUTO
from cpc_keras.config.files import current_names, recipe_from_fields
from cpc_keras.errors import InputError, first_line
from cpc_keras.storage.reading import check_kinds

# What says how long a run is.
LENGTH = ("steps", "epochs", "minutes")
# Where a command was run.
PLACE = {"folder": str, "from_run": str}
_PACKAGES = ("tensorflow", "keras", "tensorflow-datasets", "scikit-learn", "numpy")


def read_description(path):
    """The content of a `recipe.json`, a dictionary.

    Args:
        path: The file.

    Raises:
        InputError: If it cannot be read, or is none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        check_kinds(content, recipe=dict)
        optional = {
            **dict.fromkeys(("asked", "versions", "fitted", "made_in", "jitter_trial"), dict),
            "images": dict | None,
            "longer_from": list,
            "typical_side": int | None,
        }
        check_kinds(content, **{name: kind for name, kind in optional.items() if name in content})
        if content.get("images"):
            check_kinds(content["images"], count=int)
        if "made_in" in content:
            check_kinds(content["made_in"], **PLACE)
        if not all(isinstance(step, int) for step in content.get("longer_from", [])):
            raise ValueError("longer_from holds no steps")
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"`RUN` must have a readable recipe.json. Received: {path} ({first_line(error)})") from error
    return content


def described_recipe(content, path):
    """The resolved recipe that `read_description` gave; of a newer version it may have fields that are unknown.

    Args:
        content: A dictionary.
        path: The file that it is of.

    Raises:
        InputError: If it is not of this version.
    """
    try:
        return recipe_from_fields(content["recipe"])
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        written, here = (one.get("cpc_keras") for one in (content.get("versions", {}), installed_versions()))
        raise InputError(
            f"`RUN` must have a recipe.json that cpc_keras {here} can read. Received: {path}, written "
            f"by {written} ({first_line(error)})"
        ) from error


def settled(path, asked, resolve, done=None):
    """The resolved recipe of a run that is there, longer where that is asked for.

    Args:
        path: Its `recipe.json`.
        asked: The `Recipe` as the user gave it.
        resolve: Function without arguments that gives it without `"auto"`.
        done: Steps that are done, if the run, once finished, may be made longer.

    Raises:
        InputError: If it is a run of another recipe, or cannot be made longer.
    """
    fields, content = plain(asked), read_description(path)
    before = current_names(content.get("asked", {}))
    # A field that an older version did not know is None now; a learning curve and a tracker change no run.
    names = {*fields, *before} - {"learning_curve", "tracker"}
    if fields["minutes"] == AUTO and before.get("minutes") is None:  # as that recipe was before it had minutes
        names.discard("minutes")
    differing = sorted(key for key in names if fields.get(key) != before.get(key))
    recipe = dataclasses.replace(described_recipe(content, path), tracker=asked.tracker)
    if not differing:
        return recipe
    first = differing[0]
    received = (
        f"Received: {path.parent}, where {', '.join(differing)} differ ({first}={before.get(first)!r} there, "
        f"{fields.get(first)!r} here)"
    )
    if done is None or not set(differing) <= set(LENGTH):
        raise InputError(f"`--run` must be a new folder or one of the same recipe. {received}")
    if done < recipe.steps:
        raise InputError(
            "`--run` must be a new folder or one of the same recipe, finished if it is to be made longer. "
            f"{received}, and {done:,} of {recipe.steps:,} steps are done"
        )
    wanted = resolve()
    if wanted.steps is not None and wanted.steps <= recipe.steps:
        raise InputError(
            f"`steps` must be more than a finished run has, to make it longer, as in --set steps={2 * recipe.steps}. "
            f"Received: {path.parent} of {recipe.steps:,} steps, and {wanted.steps:,} by `steps` or `epochs`"
        )
    return dataclasses.replace(recipe, steps=wanted.steps, minutes=wanted.minutes)


def plain(recipe):
    """A recipe's fields as JSON keeps them."""
    return json.loads(json.dumps(dataclasses.asdict(recipe)))


def installed_versions():
    """Versions of the libraries that are here, by name."""
    from cpc_keras import __version__

    versions: dict[str, str | None] = {"python": platform.python_version(), "cpc_keras": __version__}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    return versions
