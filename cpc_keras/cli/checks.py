"""What is refused before TensorFlow, which takes seconds, is imported.

Each function imports what it takes: the help needs none of it.
"""


def open_recipe(name, overrides, data, minutes=None, check=True):
    """The recipe that a command is asked for.

    Args:
        name: Of a recipe, or the path of its file.
        overrides: What `--set` gave, a list of `KEY=VALUE`, or `None`.
        data: Source in place of the recipe's, or `None`.
        minutes: Time in place of the recipe's, or `None`.
        check: Whether its source must be there.

    Returns:
        A `Recipe`.

    Raises:
        InputError: If there is no such recipe or field, or no such source.
    """
    from cpc_keras.config.files import load_recipe

    given = {"data": data, "minutes": minutes}
    chosen = [f"{key}={value!r}" for key, value in given.items() if value is not None]
    recipe = load_recipe(name, [*(overrides or []), *chosen])
    if check:
        _check_source(recipe.data)
    return recipe


def check_run(run, data=None):
    """Raises `InputError` unless there is such a run and, if one is named, such a source."""
    from cpc_keras.runs.folder import RunFolder

    RunFolder(run).open()
    if data:
        _check_source(data)


def check_model(model, data):
    """Raises `InputError` unless there is such an exported model and such a source."""
    from cpc_keras.export.index import describe_artefact

    describe_artefact(model)
    _check_source(data)


def _check_source(source):
    from cpc_keras.data.sources import check_source

    check_source(source)
