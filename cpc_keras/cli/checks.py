"""What is refused before TensorFlow, which takes seconds, is imported.

Each function imports what it takes: the help needs none of it.
"""


def open_recipe(name, overrides, data, minutes=None, check=True, labelled=None):
    """The recipe that a command is asked for.

    Args:
        name: Of a recipe, or the path of its file.
        overrides: What `--set` gave, a list of `KEY=VALUE`, or `None`.
        data: Source in place of the recipe's, or `None`.
        minutes: Time in place of the recipe's, or `None`.
        check: Whether its sources, and its tracker, must be there.
        labelled: Source of labelled images in place of the recipe's, or `None`.

    Returns:
        A `Recipe`.

    Raises:
        InputError: If there is no such recipe or field, or no such source; if its tracker
            is not installed; if labels are given to a recipe whose jitter is settled.
    """
    from cpc_keras.config.fields import AUTO
    from cpc_keras.config.files import load_recipe
    from cpc_keras.errors import InputError
    from cpc_keras.trackers.tracker import check_tracker

    given = {"data": data, "minutes": minutes, "labelled": labelled}
    chosen = [f"{key}={value!r}" for key, value in given.items() if value is not None]
    recipe = load_recipe(name, [*(overrides or []), *chosen])
    if labelled and recipe.jitter != AUTO:
        raise InputError(
            f"`--labels` chooses the jitter, and needs jitter='auto', which `folder` has (--set jitter=auto). "
            f"Received: {name} with jitter={recipe.jitter!r}"
        )
    if check:
        for source in filter(None, (recipe.data, getattr(recipe, "labelled", None))):
            _check_source(source)
        check_tracker(recipe.tracker)
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
