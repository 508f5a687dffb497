"""A recipe in figures: geometry, weights, operations, memory, time, and warnings."""

import dataclasses

from cpc_keras.config.image_sizes import enlargement, shrinkage
from cpc_keras.config.recipe import AUTO
from cpc_keras.describing.accelerators import ACCELERATORS, GIB
from cpc_keras.describing.grid_drawing import CONTEXT, QUERY, UNSEEN, draw_grid, draw_ruler
from cpc_keras.describing.images_words import bad_files_note, images_words
from cpc_keras.describing.recipe_figures import check_machine, figures, images_for, settle
from cpc_keras.describing.this_machine import machine_words, measure_here, one_image_words, precision_words
from cpc_keras.describing.time_budget import minutes_text
from cpc_keras.errors import printable
from cpc_keras.progress import ProgressBars, duration, waiting
from cpc_keras.tables import Table


def describe(recipe, console, accelerator="a100", utilisation=0.35, images=None, measure=False):
    """Prints what a recipe will do and cost, before anything is trained.

    What the recipe leaves to `"auto"` is chosen as on an accelerator; its images
    are opened only where that, or `epochs`, asks for them.

    Args:
        recipe: A `Recipe`, resolved or not.
        console: A `rich.console.Console` to print to.
        accelerator: A name out of `cpc_keras.describing.accelerators.ACCELERATORS`.
        utilisation: Share of its stated peak that training reaches, in (0, 1].
        images: The `ImageSet` it will see; opened from its `data` if `None`.
        measure: Whether to train it for a few steps on random images and to say how
            long it takes on this machine; that takes some ten seconds to a minute.

    Returns:
        The figures, as `cpc_keras.describing.recipe_figures.figures` returns them, and
        where it was measured `"this_machine"`, see
        `cpc_keras.describing.this_machine.measure_here`.

    Raises:
        InputError: If the recipe does not fit its images or itself, the images
            are asked for and cannot be opened, or the accelerator is unknown.
    """
    check_machine(accelerator, utilisation)
    with ProgressBars(console) as progress:
        images = images or images_for(recipe, progress)
    if images:
        console.print(f"{images_words(images, images.sizes)}.", markup=False)
        for note in [*images.notes, *bad_files_note(images)]:
            console.print(printable(f"Note: {note}"), markup=False)
    settled, here = settle(recipe, images), settle(recipe, images, accelerator=None)
    open_end = settled.steps is None
    measured = _measure(here, console) if measure and open_end else None
    if measured:
        settled = dataclasses.replace(settled, steps=_steps_within(here, measured))
    found = figures(settled, accelerator, utilisation)
    chosen = [
        f"{field.name}={getattr(settled, field.name)!r}"
        for field in dataclasses.fields(recipe)
        if getattr(recipe, field.name) == AUTO or (field.name == "steps" and recipe.steps is None)
    ]
    if chosen:
        console.print(f"Chosen as on an accelerator: {', '.join(chosen)}.", markup=False)
    _print_geometry(settled, found, console)
    _print_parts(found, console)
    _print_memory(found, console)
    _print_accelerators(found, console)
    if measure:
        measured = found["this_machine"] = measured if open_end else _measure(here, console)
        console.print(_here(recipe, settled, here, measured), markup=False)
    enlarged = enlargement(here, images) if images else ""
    for text in filter(None, (*found["warnings"].values(), enlarged)):
        console.print(f"WARNING: {text}", markup=False)
    if shrunk := shrinkage(recipe, here, images) if images else "":
        console.print(f"Note: {shrunk}", markup=False)
    return found


def _print_geometry(recipe, found, console):
    side, loss = found["geometry"]["rows"], found["loss"]
    direction = recipe.directions[0]
    grid = draw_grid(side, side, direction, recipe.offsets, recipe.context_blocks)
    console.print(
        f"\nGeometry: crops of {recipe.crop} px, {side} × {side} patches of {recipe.patch_size} px at stride "
        f"{recipe.stride}.\n"
        f"Encoder:  {recipe.encoder}, norm {recipe.normalization!r}, from a patch to {found['encoder']['map'][0]} × "
        f"{found['encoder']['map'][1]} × {found['encoder']['latent_dim']}, averaged to "
        f"{found['encoder']['latent_dim']:,} numbers.\n"
        f"Loss:     {loss['candidates']:,} candidates to a query, {_tasks(loss['queries'])}; at chance it is "
        f"ln {loss['candidates']:,} = {loss['chance']:.2f}.\n\n"
        f"Prediction {direction}: {QUERY} the query, {CONTEXT} what else it has seen, a number the patch predicted so "
        f"many ahead, {UNSEEN} the rest."
        f"{' The other directions are turned alike.' if len(recipe.directions) > 1 else ''}\n\n{_indented(grid)}\n\n"
        "Patches along one side, and what they share with patch 0:\n\n"
        f"{_indented(draw_ruler(recipe.crop, recipe.patch_size, recipe.stride, recipe.offsets))}\n",
        markup=False,
    )


def _print_parts(found, console):
    table = Table(("part", "weights", "forward, an image"))
    for name, flops in found["flops"].items():
        if name not in ("image", "step", "run"):
            table.add(name, f"{found['parameters'].get(name, 0):,}", _flop(flops))
    table.add("total", f"{found['parameters']['total']:,}", _flop(found["flops"]["image"]), total=True)
    run = found["run"]
    console.print(table.rich())
    console.print(
        f"Forward and backward: {_flop(found['flops']['step'])} for a step of {run['batch_size']:,} images, "
        f"{_flop(found['flops']['run'])} for {run['steps']:,} steps ({run['images']:,} images).\n"
    )


def _print_memory(found, console):
    table = Table(("memory of a step", "size", "what is counted"), left=(0, 2))
    memory = found["memory"]
    tasks = memory["logits_by_task"].values()
    logits = f"float32, {_tasks(tasks)}, at most {_size(max(tasks))} each"
    for name, what in (
        ("weights", "float32"),
        ("gradients", "float32"),
        ("adam", "two moments, float32"),
        ("average", "Polyak average, float32"),
        ("accumulation", "gradients added up, float32"),
        ("patches", "float32"),
        ("activations", "what the backward pass needs"),
        ("logits", logits),
    ):
        if memory[name]:
            table.add(name, _size(memory[name]), what)
    table.add("total", _size(memory["total"]), "at the least: workspace comes on top", total=True)
    console.print(table.rich())


def _print_accelerators(found, console):
    chosen, utilisation = found["accelerator"]["name"], found["accelerator"]["utilisation"]
    table = Table(("accelerator", "TFLOP/s", "memory", "hours on one", "devices", "hours on those"))
    for name, cost in found["accelerators"].items():
        machine = ACCELERATORS[name]
        table.add(
            f"{'▸' if name == chosen else ' '} {name}",
            f"{machine.peak:,}",
            f"{machine.memory_gib} GiB",
            _hours(cost["hours_on_one"]),
            f"{cost['devices']:,}" if cost["devices"] else "none fit",
            _hours(cost["hours_on_those"]) if cost["devices"] else "",
            total=name == chosen,
        )
    console.print(table.rich())
    console.print(
        f"Hours at {utilisation:.0%} of the stated dense 16-bit peak, if images are read as fast and the network keeps "
        "the device busy, which a small one does not. Devices: the fewest that hold a step in nine tenths of their "
        "memory, a batch split evenly; for planning.\n"
    )


def _measure(here, console):
    with waiting(console, "Taking a few steps on random images"):
        return measure_here(here)


def _steps_within(here, measured):
    return max(1, int(60 * here.minutes / measured["seconds_a_step"]))


def _here(recipe, settled, here, measured):
    """What it takes on this machine."""
    opening = f"On this machine ({machine_words()}): "
    closing = f"\nIt computes in {precision_words(here)}.\n"
    other = [
        f"{field.name}={getattr(here, field.name)!r}"
        for field in dataclasses.fields(recipe)
        if getattr(recipe, field.name) == AUTO and getattr(here, field.name) != getattr(settled, field.name)
    ]
    chosen = f", where {', '.join(other)}" if other else ""
    if measured is None:
        return f"{opening}not tried, since a step of a single image takes {one_image_words(here)}{chosen}.{closing}"
    batch = f"{measured['steps']} steps of {measured['batch_size']}"
    if measured["batch_size"] < here.batch_size:
        batch += f" and counted up to {here.batch_size}"
    said = f"{opening}{measured['images_per_second']:.3g} images/s, measured over {batch}{chosen}. "
    if here.steps is not None:
        said += f"{here.steps:,} steps take about {duration(measured['seconds'])}. "
    if here.minutes is not None:
        fitting = _steps_within(here, measured)
        fits = here.steps is not None and fitting >= here.steps
        said += f"In {minutes_text(here.minutes)} {'all' if fits else f'about {fitting:,}'} of them fit. "
    return said.rstrip() + closing


def _indented(text):
    return "\n".join(f"    {line}" for line in text.splitlines())


def _tasks(tasks):
    return f"{len(tasks)} task{'s' if len(tasks) > 1 else ''}"


def _flop(count):
    for power, prefix in ((18, "E"), (15, "P"), (12, "T"), (9, "G"), (6, "M")):
        if count >= 10**power:
            return f"{count / 10**power:,.1f} {prefix}FLOP"
    return f"{count:,} FLOP"


def _size(bytes_):
    return f"{bytes_ / GIB:,.1f} GiB" if bytes_ >= GIB else f"{bytes_ / 2**20:,.1f} MiB"


def _hours(hours):
    if hours < 0.01:
        return "< 0.01"
    return f"{hours:,.1f}" if hours >= 10 else f"{hours:.2g}"
