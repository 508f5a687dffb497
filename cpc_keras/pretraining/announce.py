"""What a training says of its run: before, what is trained on what; after, which files were left out."""

import dataclasses

from cpc_keras.backend.distribution import has_accelerator
from cpc_keras.config.jitter import jitter_fields
from cpc_keras.config.resolve import computes_in_bfloat16, overlaps
from cpc_keras.describing.images_words import images_words
from cpc_keras.describing.time_budget import minutes_text
from cpc_keras.errors import printable
from cpc_keras.storage.atomic import write_text
from cpc_keras.storage.names import table_for_spreadsheet


def announce(run):
    """Says what is about to be trained, on what, and what is odd about it.

    Args:
        run: A `Run`.
    """
    asked, recipe, images, strategy, console = run.asked, run.recipe, run.images, run.strategy, run.console
    changed = recipe.short_side is not None and (run.sizes[:, :2].min(axis=1) != recipe.short_side).any()
    resized = f", resized to {recipe.short_side} px on the shorter side" if changed else ""
    channels = f"{recipe.channels} channel{'s' if recipe.channels > 1 else ''}"
    console.print(f"{images_words(images, run.sizes)}{resized}, {channels}.")
    for note in [*images.notes, run.folder.other_images(images.contents)]:
        if note:
            console.print(printable(f"Note: {note}"))
    unsaid = {"epochs", "minutes", *jitter_fields(asked.jitter)}
    settled = [
        f"{field.name}={getattr(recipe, field.name)!r}"
        for field in dataclasses.fields(recipe)
        if getattr(asked, field.name) != getattr(recipe, field.name) and field.name not in unsaid
    ]
    if settled:
        console.print(f"Resolved: {', '.join(settled)}.")
    steps = f"{recipe.steps:,} steps" if recipe.steps else "steps"
    if recipe.minutes is not None:
        steps = f"as many {'of ' if recipe.steps else ''}{steps} as fit into {minutes_text(recipe.minutes)}"
    side = (recipe.crop - recipe.patch_size) // recipe.stride + 1
    console.print(
        f"Grid {side} × {side} of {recipe.patch_size}-px patches, {recipe.batch_size * side * side:,} candidates, "
        f"{steps}, {recipe.batch_size} images each."
    )
    if recipe.mirrored_alike:
        names = [name for name in ("flip", "patch_flip") if getattr(recipe, name)]
        console.print(
            "Images are mirrored at random. Where a mirrored image is another one, as of letters: "
            f"{' '.join(f'--set {name}={type(getattr(recipe, name))(0)}' for name in names)}."
        )
    if recipe.precision == "mixed_bfloat16" and not (has_accelerator() or computes_in_bfloat16()):
        console.print(
            "Note: this processor has no bfloat16 instructions; precision='float32' is many times faster here."
        )
    if strategy.num_replicas_in_sync > 1:
        console.print(
            f"{strategy.num_replicas_in_sync} replicas of {recipe.batch_size // strategy.num_replicas_in_sync} "
            "images, each compared with the patches of all."
        )
    for offset, pixels in overlaps(recipe).items():
        console.print(
            f"Note: at offset {offset} a predicted patch shares {pixels} px with one already seen, which "
            "makes part of the task a matter of copying."
        )


def report_bad_files(run):
    """Lists the files that could not be read, on the console and in the run's folder.

    Args:
        run: A `Run` that is trained.
    """
    bad_files, listed = run.images.bad_files, run.folder.bad_files_file
    if not bad_files:
        return
    columns = {"path": [bad.path for bad in bad_files], "reason": [bad.reason for bad in bad_files]}
    write_text(listed, table_for_spreadsheet(columns).to_csv(index=False))
    count = len(bad_files)
    run.console.print(f"{count} bad file{'s were' if count > 1 else ' was'} left out ({listed}):")
    for bad in bad_files:
        run.console.print(printable(f"  {bad.path}: {bad.reason}"))
