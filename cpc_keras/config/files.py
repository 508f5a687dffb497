"""Reading a recipe's file, and `--set`, without executing anything."""

import ast
import dataclasses
import difflib
import pathlib
import warnings

from cpc_keras.config.fields import REQUIRED, default_of
from cpc_keras.config.jitter import with_single_fields
from cpc_keras.config.recipe import Recipe
from cpc_keras.errors import InputError, first_line
from cpc_keras.storage.text import read_text

_PACKAGE = pathlib.Path(__file__).parents[1]
_BUILT_IN, _CHECKOUT = _PACKAGE / "recipes", _PACKAGE.parent / "recipes"
# What a user may set otherwise without making another recipe of it, for which its learning curve would not hold.
_OF_THE_SAME = {
    *("steps", "epochs", "minutes", "precision", "checkpoint_every", "keep_checkpoints", "keep_milestones"),
    *("online_probe", "max_bad_share", "fractions", "label_seeds", "learning_curve", "tracker", "seed"),
}
# What says how long a run is.
_LENGTH = ("steps", "epochs", "minutes")
# What `ast` raises of text that is no literal: of a list as a key, and of what is nested too deep, as well.
_NOT_LITERAL = (ValueError, TypeError, MemoryError, RecursionError)


def load_recipe(name, overrides=(), kind=Recipe, written_by_hand=True):
    """Reads a recipe file.

    Args:
        name: Path of the file, or the name of a recipe that comes with the
            package, such as `"fashion_mnist"`.
        overrides: Strings `"KEY=VALUE"` that replace fields. A value that is no
            Python literal is taken as text. `steps` and `epochs` take the place of what
            the file says of either and of `minutes`, a field of `jitter` that of what its
            level says of it. The file's `learning_curve` is dropped where they make
            another recipe of it.
        kind: The dataclass of its fields.
        written_by_hand: Whether to warn (`FutureWarning`) of names that fields had in
            version 0.1; what that version wrote itself is read without a word.

    Returns:
        A `Recipe`, or what `kind` is.

    Raises:
        InputError: If the file is missing, holds anything but a docstring and
            `name = literal` lines, or a field is unknown or out of range.

    Example:

    >>> load_recipe("fashion_mnist", ["batch_size=16"]).batch_size
    16
    """
    path = _find(name)
    try:
        text = read_text(path)
    except (OSError, ValueError) as error:
        raise InputError(f"`RECIPE` must be a readable file. Received: {path} ({first_line(error)})") from error
    written = _read_assignments(text, str(path))
    fields = current_names(written, kind)
    given: dict = {}
    former: set[str] = set(written)
    for override in overrides:
        key, separator, value = override.partition("=")
        if not separator:
            raise InputError(f"`--set` must be KEY=VALUE. Received: {override}")
        former.add(key.strip())
        given |= current_names({key.strip(): _literal_or_text(value.strip())}, kind)
    if written_by_hand:
        for old, new in getattr(kind, "FORMER_NAMES", {}).items():
            if old in former:
                say_former(old, new)
    if not set(given) <= _OF_THE_SAME:
        fields.pop("learning_curve", None)
    if any(given.get(name) is not None for name in _LENGTH[:2]):
        fields = {name: value for name, value in fields.items() if name not in _LENGTH}
    return recipe_from_fields(with_single_fields(fields, given), kind)


def recipe_from_fields(fields, kind=Recipe):
    """Builds a `Recipe`, or another dataclass, from a dictionary, refusing unknown names and gaps."""
    fields = current_names(fields, kind)
    known = [field.name for field in dataclasses.fields(kind)]
    for key in fields:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else "`cpc-keras fields` lists them"
            raise InputError(f"A recipe's fields must be known ones. Received: {key!r} ({hint})")
    missing = [name for name in _required(kind) if name not in fields]
    if missing:
        raise InputError(f"A {kind.__name__}'s file must set {', '.join(missing)}. Received: none of that name")
    return kind(**fields)


def current_names(fields, kind=Recipe):
    """Fields under their present names, where a file or a run of an older version has others.

    Args:
        fields: A dictionary.
        kind: The dataclass; its `FORMER_NAMES` leads from old names to new ones.

    Example:

    >>> current_names({"patch_greyscale": 0.5})
    {'patch_grayscale': 0.5}
    """
    return _renamed(fields, getattr(kind, "FORMER_NAMES", {}))


def say_former(old, new):
    """Warns of something that is asked for by its name of version 0.1."""
    warnings.warn(f"{old!r} is called {new!r} now; the old name goes with version 0.2.", FutureWarning, 1)


def first_names(fields, kind):
    """Undoes `current_names`, for digests: what an older version kept is known again.

    Args:
        fields: A dictionary.
        kind: The dataclass.
    """
    return _renamed(fields, {new: old for old, new in kind.FORMER_NAMES.items()})


def _renamed(fields, names):
    """Fields by other names, those that an `ablation` sets as well."""
    renamed = {names.get(name, name): value for name, value in fields.items()}
    if isinstance(renamed.get("ablation"), dict):
        renamed["ablation"] = {
            axis: {names.get(name, name): value for name, value in said.items()} if isinstance(said, dict) else said
            for axis, said in renamed["ablation"].items()
        }
    return renamed


def _required(kind):
    """Names of the fields that have no default."""
    return [field.name for field in dataclasses.fields(kind) if default_of(field) is REQUIRED]


def recipe_text(recipe, headline):
    """A recipe as a file that `load_recipe` reads; fields at their default are left out.

    Args:
        recipe: A `Recipe` or the like.
        headline: A sentence about it.

    Example:

    >>> recipe_text(Recipe(steps=10, offsets=(3,)), "Short.").splitlines()[2:]
    ['offsets = (3,)', 'steps = 10']
    """
    lines = []
    for field in dataclasses.fields(recipe):
        value = getattr(recipe, field.name)
        if value != default_of(field):
            lines.append(f"{field.name} = {value!r}\n")
    return f'"""{headline}"""\n\n' + "".join(lines)


def _find(name):
    path = pathlib.Path(name)
    if path.is_file():
        return path
    known = {file.stem: file for file in recipe_files()}
    if path.name == name and path.stem in known:
        return known[path.stem]
    raise InputError(
        f"`RECIPE` must be an existing file or the name of a recipe ({', '.join(known)}). Received: {name}"
    )


def recipe_files():
    """The files of the recipes that come along, by name: those of the installed package before those of a checkout."""
    found = {path.stem: path for folder in (_CHECKOUT, _BUILT_IN) for path in folder.glob("[!_]*.py")}
    return [found[name] for name in sorted(found)]


def _read_assignments(text, origin):
    try:
        tree = ast.parse(text, origin)
    except (SyntaxError, *_NOT_LITERAL) as error:  # the others of what is nested without end
        where = f" line {error.lineno}: {error.msg}" if isinstance(error, SyntaxError) else f": {first_line(error)}"
        raise InputError(f"`RECIPE` must be a readable file. Received: {origin}{where}") from error
    fields = {}
    for index, node in enumerate(tree.body):
        docstring = index == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if docstring:
            continue
        simple = isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
        try:
            if not simple:
                raise ValueError
            fields[node.targets[0].id] = ast.literal_eval(node.value)
        except _NOT_LITERAL as error:
            raise InputError(
                f"`RECIPE` must hold only a docstring and lines `name = literal`. Received: {origin} line {node.lineno}"
            ) from error
    return fields


def _literal_or_text(value):
    try:
        return ast.literal_eval(value)
    except (SyntaxError, *_NOT_LITERAL):
        return value
