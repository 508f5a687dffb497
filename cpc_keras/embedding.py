"""Images go through an exported encoder: features, or classes."""

import itertools
import os
import pathlib
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from cpc_keras import digests
from cpc_keras.data.image_set import convert, to_float
from cpc_keras.data.sources import open_source
from cpc_keras.errors import InputError
from cpc_keras.export.artefact import open_artefact
from cpc_keras.export.whole import appears_whole
from cpc_keras.progress import ProgressBars
from cpc_keras.run_folder import make_folder

ENDINGS = (".npz", ".parquet")
# Images of which an interrupted call loses the work, and images computed at a time.
SHARD, BATCH = 2048, 128
# Images whose short side is so many crops are more than their middle.
_MUCH = 2


def embed(model, data, out, console, signature="serving_default"):
    """Writes what an exported encoder makes of every image of a source.

    Images are prepared as those were that the encoder was trained on: its
    channels, the short side and the centre crop of its recipe. What is done is
    kept beside `out` until all is done; the same call goes on from there.

    Args:
        model: Folder of an artefact.
        data: Source of the images, see `cpc_keras.data.open_source`.
        out: File to write. `.npz` holds `paths` `[N]` and an array named as the
            signature's output, `[N, …]`; `.parquet` has a row an image with
            `path` and the vector. Both in the order of the source. Files that
            cannot be read are left out, printed, and listed in a CSV file beside.
        console: A `rich.console.Console`.
        signature: What the artefact is asked for.

    Returns:
        The path.

    Raises:
        InputError: If the artefact, the source or `out` cannot be used.
    """
    out = _writable(out, ENDINGS)
    artefact = open_artefact(model)
    shapes = artefact.shapes(signature)
    if out.suffix == ".parquet" and any(len(shape) != 2 for shape in shapes.values()):
        raise InputError(f"`--out` must end in .npz for {signature}, which gives no vectors. Received: {out}")

    def write(partial, paths, found):
        if out.suffix == ".npz":
            np.savez(partial, paths=paths, **found)
        else:
            rows = {name: list(values) for name, values in found.items()}
            pd.DataFrame({"path": paths, **rows}).to_parquet(partial, index=False)

    return _through(artefact, data, signature, out, console, write)


def predict(model, data, out, console):
    """Writes the class that an exported head gives to every image of a source.

    Args:
        model: Folder of an artefact that was exported with a head.
        data: As for `embed`.
        out: CSV file to write, with the columns `path`, `class` and `probability`.
        console: A `rich.console.Console`.

    Returns:
        The path.

    Raises:
        InputError: As `embed`, and if the artefact has no head.
    """
    out = _writable(out, (".csv",))
    artefact = open_artefact(model)
    if "classify" not in artefact.signatures:
        raise InputError(f"`MODEL` must be exported with --with-head. Received: {model} with {artefact.signatures}")
    names = np.array(artefact.description["head"]["class_names"])

    def write(partial, paths, found):
        best = found["probabilities"].argmax(axis=1)
        table = {"path": paths, "class": names[best], "probability": found["probabilities"].max(axis=1)}
        pd.DataFrame(table).to_csv(partial, index=False, float_format="%.4f")

    return _through(artefact, data, "classify", out, console, write)


def _through(artefact, data, signature, out, console, write):
    """Sends a source through a signature and calls `write(partial, paths, arrays)` with all of it."""
    images = open_source(data, max_bad_share=1.0)
    _tell_of_large(images, artefact, console)
    kept = out.with_name(f".{out.name}.partial")
    folder = kept / digests.of_json(artefact.digest, signature, images.fingerprint)[:16]
    make_folder(folder, "--out")
    shards = {start: folder / f"from-{start:08d}.npz" for start in range(0, len(images), SHARD)}
    with ProgressBars(console) as progress:
        progress.start(out.name, len(images))
        _fill(shards, images, artefact, signature, progress)
    parts = [_loaded(path) for path in shards.values()]
    bad = [(file.path, file.reason) for file in images.bad_files]
    for part in parts:
        bad += zip(part.pop("bad"), part.pop("reasons"), strict=True)
    parts = [part for part in parts if len(part["paths"])]
    if not parts:
        raise InputError(f"`--data` must hold an image that can be read. Received: {data} with {len(bad)} bad files")
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    paths = found.pop("paths")
    with appears_whole(out, folder=False, argument="--out") as partial:
        write(partial, paths, found)
    shutil.rmtree(kept)
    _tell_bad_files(bad, out, console)
    console.print(f"{len(paths):,} images: {out}")
    return out


def _fill(shards, images, artefact, signature, progress):
    """Computes the shards that are not there."""
    given, compute = artefact.description["input"], artefact.views(signature)
    missing = [start for start, path in shards.items() if not path.exists()]
    done = [start for start in shards if start not in missing]
    progress.advance(sum(min(SHARD, len(images) - start) for start in done))
    with ThreadPoolExecutor(max(2, os.cpu_count() or 2)) as pool:

        def begin(start):
            positions = range(start, min(start + SHARD, len(images)))
            return [pool.submit(_read, images, position, given) for position in positions]

        reading = begin(missing[0]) if missing else []
        for start, following in itertools.zip_longest(missing, missing[1:]):
            read = [future.result() for future in reading]
            # The next images are decoded while these are computed.
            reading = begin(following) if following is not None else []
            arrays = _computed(compute, [picture for _, picture, _ in read if picture is not None], progress)
            arrays["paths"] = _texts(path for path, picture, _ in read if picture is not None)
            arrays["bad"] = _texts(path for path, picture, _ in read if picture is None)
            arrays["reasons"] = _texts(reason for _, picture, reason in read if picture is None)
            with appears_whole(shards[start], folder=False, argument="--out") as partial:
                np.savez(partial, **arrays)


def _read(images, position, given):
    """`(path, picture, reason)`: float32 `[crop, crop, C]` in [0, 1], or `None` and why."""
    path, crop = images.ids[position], given["crop"]
    try:
        picture = convert(images.read(position), given["channels"], given["short_side"])
    except (OSError, ValueError, MemoryError) as error:
        return path, None, str(error) or type(error).__name__
    top, left = ((side - crop) // 2 for side in picture.shape[:2])
    if min(top, left) < 0:
        return path, None, f"smaller than the crop, {crop} px"
    return path, to_float(picture[top : top + crop, left : left + crop]), None


def _texts(values):
    """Texts of a fixed width, so that nothing is pickled."""
    return np.array(list(values), dtype=str)


def _computed(compute, pictures, progress):
    """Arrays of a shard, by output."""
    parts = []
    for first in range(0, len(pictures), BATCH):
        batch = np.stack(pictures[first : first + BATCH])
        parts.append(compute(batch))
        progress.advance(len(batch))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}


def _loaded(path):
    with np.load(path) as file:
        return dict(file)


def _writable(out, endings):
    out = pathlib.Path(out)
    if out.suffix not in endings:
        raise InputError(f"`--out` must end in {' or '.join(endings)}. Received: {out}")
    make_folder(out.parent, "--out")
    return out


def _tell_of_large(images, artefact, console):
    given = artefact.description["input"]
    larger = images.sizes[:, :2].min(axis=1) > _MUCH * given["crop"]
    if larger.any() and given["short_side"] is None:
        console.print(
            f"Note: the encoder was trained on crops of images as they are; of {larger.sum():,} it sees the middle "
            f"{given['crop']} × {given['crop']} px alone."
        )


def _tell_bad_files(bad, out, console):
    if not bad:
        return
    listed = out.with_name(f"{out.stem}.bad_files.csv")
    pd.DataFrame(bad, columns=["path", "reason"]).to_csv(listed, index=False)
    console.print(f"{len(bad)} could not be read and are left out ({listed}):")
    for path, reason in bad:
        console.print(f"  {path}: {reason}")
