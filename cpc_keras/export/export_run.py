"""A run becomes an artefact: its encoder, a classifier if one is wanted, and the figures of both."""

import functools
import pathlib

from cpc_keras.config.build import build_head
from cpc_keras.errors import InputError
from cpc_keras.evaluation.encoders import cpc_encoder
from cpc_keras.evaluation.feature_store import FrozenFeatures
from cpc_keras.evaluation.features import pool
from cpc_keras.evaluation.networks import network_estimator
from cpc_keras.evaluation.run_labels import (
    add_pool,
    finished_results,
    open_labelled,
    preferred_pooling,
    result_store,
    run_records,
    run_source,
    unfinished,
)
from cpc_keras.evaluation.step_budget import kept_budget
from cpc_keras.evaluation.table import at_checkpoint, drawn_only
from cpc_keras.export import LinearHead, NetworkHead, convert, save
from cpc_keras.export.model_card import calibration_words
from cpc_keras.export.other_formats import check_convertible
from cpc_keras.export.saved_model import MARKS
from cpc_keras.export.signature_accuracy import SignatureAccuracy
from cpc_keras.progress import ProgressBars, waiting
from cpc_keras.runs.checkpoints import load_last_model
from cpc_keras.runs.folder import RunFolder
from cpc_keras.storage.names import file_name, written
from cpc_keras.storage.outputs import check_replaceable
from cpc_keras.storage.owner import owned_output
from cpc_keras.tables import as_code
from cpc_keras.trackers.results import track_files


def export(run, dest, console, with_head=False, kind="saved_model", classifier="linear"):
    """Exports a run's encoder with all that is known of it.

    The figures are of what is exported: a linear probe is put on each signature,
    with the label subsets that the run was evaluated with.

    Args:
        run: Path of the run's folder.
        dest: Folder, or with another format file, to write.
        console: A `rich.console.Console`.
        with_head: Whether a classifier goes along, trained on the first label subset of the
            run's largest budget; where figures are cross-validated, on all labels.
            Probabilities of a linear one are calibrated inside these labels.
        kind: `"saved_model"`, `"onnx"` or `"litert"`.
        classifier: What that classifier is: one of
            `cpc_keras.evaluation.methods.EXPORTED`, which the run was evaluated with: a linear
            layer, or a network that was trained on from the encoder.

    Returns:
        The path of the artefact.

    Raises:
        InputError: If the run has no checkpoint, a head is asked of a run that was
            not evaluated with labels or whose images are not there, or `dest`
            cannot be written. Without a head, missing images cost the figures.
    """
    folder, dest = RunFolder(run), pathlib.Path(dest)
    recipe = folder.open()
    has_card = kind == "saved_model"
    if has_card:
        check_replaceable(dest, MARKS)
    else:
        check_convertible(dest, kind)
    with owned_output(dest, "DEST", "folder" if has_card else "file"):
        artefact = _export(folder, recipe, dest, console, classifier if with_head else None, kind)
        track_files(folder, console, dest, f"export/{file_name(dest.resolve().name)}" if has_card else "export")
        return artefact


def _export(folder, recipe, dest, console, classifier, kind):
    has_card = kind == "saved_model"
    with waiting(console, f"Loading the last checkpoint of {folder.path}"):
        step, model = load_last_model(folder)
    description = _describe(folder, recipe, step)
    records, head = at_checkpoint(drawn_only(run_records(folder)), step), None
    pooling = preferred_pooling(records)
    if remark := unfinished(folder):
        console.print(f"Note: {remark}")
    if classifier and not any((one["method"], one["encoder"]) == (classifier, "cpc") for one in records):
        raise InputError(
            f"`--with-head` must be asked of a run that was evaluated with --methods {classifier}. "
            f"Received: {folder.path}"
        )
    with ProgressBars(console) as progress:
        figures = functools.cache(lambda: _figures(folder, recipe, step, model, classifier, progress))
        if classifier:
            images = figures().images
            found, said = figures().classifier(result_store(folder, images), classifier)
            head, description["head"] = _head(found, said, images.train.class_names)
        if has_card and pooling:
            description["pooling"] = pooling
            try:
                description["figures"] = figures().table(pooling)
            except InputError as error:
                console.print(f"Note: no accuracy goes along with the encoder. {error}")
    if head and not has_card:
        console.print(f"Classes of `probabilities`, in its order: {', '.join(head.class_names)}")
        if "temperature" in description["head"]:
            console.print(calibration_words({**description["head"], "class_names": head.class_names}))
    with waiting(console, f"Writing {dest}"):
        if has_card:
            return save(model, dest, pooling=_pooling(pooling) if pooling else None, head=head, description=description)
        convert(model, dest, kind, head)
    resized = f"the short side resized to {recipe.short_side} px (bicubic), " if recipe.short_side else ""
    gray = "gray, one channel" if recipe.channels == 1 else f"{recipe.channels} channels"
    console.print(
        f"Takes float32 images in [0, 1] that are ready: {resized}the middle {recipe.crop} × {recipe.crop} px, {gray}."
    )
    return dest


def _figures(folder, recipe, step, model, classifier, progress):
    """A `SignatureAccuracy` on the images that the run was evaluated with."""
    source, cross_validate = run_source(folder, recipe)
    images = open_labelled(recipe, source, cross_validate, progress)
    add_pool(images, recipe, [classifier] if classifier else (), progress)
    records = at_checkpoint(drawn_only(record for record, _ in finished_results(folder, images)), step)
    encoder = cpc_encoder(model, checkpoint=step)
    features = FrozenFeatures(folder.evaluation / "features", encoder.features, encoder.digest, images, recipe.crop)

    def network(method, class_shares):
        head, where = functools.partial(build_head, recipe), (folder.evaluation / "features", recipe.crop)
        given = {"flip": recipe.mirrored_alike, "budget": kept_budget(folder), "class_shares": class_shares}
        return network_estimator(encoder, method, images, *where, head, **given)

    return SignatureAccuracy(images, encoder, features, records, folder.evaluation / "signatures", progress, network)


def _pooling(name):
    return lambda grid, whole: pool(name, grid, whole)


def _describe(folder, recipe, step):
    name = f"resnet of widths {recipe.widths} and blocks {recipe.blocks}"
    if recipe.encoder != "resnet":
        name = f"{recipe.encoder}, {recipe.stacks} stacks"
    return {
        "encoder": f"{name}, norm {recipe.normalization}",
        "pre_training": f"{step:,} steps of {recipe.batch_size} images from {as_code(recipe.data)}, seed {recipe.seed}",
        "input": {"crop": recipe.crop, "short_side": recipe.short_side},
        "versions": folder.versions(),
    }


def _head(found, said, names):
    """`(head, description)` of a network, or of a fitted probe, its temperature inside the one layer."""
    names = tuple(map(written, names))  # TensorFlow's texts are UTF-8
    if said.get("network"):
        return NetworkHead(found, names), said
    kernel, bias = found.affine(len(names), said["temperature"])
    head = LinearHead(_pooling(found.selected_["pooling"]), kernel.astype("float32"), bias.astype("float32"), names)
    return head, {**said, "pooling": found.selected_["pooling"]}
