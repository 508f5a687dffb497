"""Every image of a source goes through an exported encoder, shard by shard, so that a call that is cut goes on."""

import itertools
import pathlib
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from cpc_keras.backend.determinism import enable_determinism
from cpc_keras.backend.resources import processors
from cpc_keras.data.bad_files import plain_reason
from cpc_keras.data.image_set import to_float
from cpc_keras.data.preparation import is_tiny, lacks_memory
from cpc_keras.data.resize import convert
from cpc_keras.data.sources import open_source
from cpc_keras.errors import InputError, printable
from cpc_keras.progress import ProgressBars, waiting
from cpc_keras.storage import digests
from cpc_keras.storage.names import table_for_spreadsheet
from cpc_keras.storage.outputs import atomic_output, check_replaceable, make_folder
from cpc_keras.storage.reading import check_kinds
from cpc_keras.storage.results import ResultStore

# Images of which an interrupted call loses the work at most, images computed at a time, and what a shard may take.
SHARD, BATCH, _BYTES = 2048, 128, 2**28
# Images whose short side is so many crops are more than their middle.
_MUCH = 2


def writable(out, endings):
    """The path of a file that may be written.

    Args:
        out: Path of the file.
        endings: Those that it may have.

    Raises:
        InputError: If it has another, or what stands there was not written by an earlier call.
    """
    out = pathlib.Path(out)
    if out.suffix not in endings:
        raise InputError(f"`--out` must end in {' or '.join(endings)}. Received: {out}")
    check_replaceable(out, argument="--out")
    return out


def send_through(artefact, data, signature, out, console, write):
    """Sends every image of a source through a signature of an exported encoder; what is done is kept until all is.

    Args:
        artefact: As `cpc_keras.export.artefact.open_artefact` gives it.
        data: Source of the images.
        signature: What the artefact is asked for.
        out: File to write.
        console: A `rich.console.Console`.
        write: Function `(partial, shards)` that writes a file from the shards that hold
            an image, each `(paths, arrays)`.

    Returns:
        The path.

    Raises:
        InputError: If the source cannot be used, or none of its images.
    """
    enable_determinism()
    console.print(f"Opening {data}.")
    with ProgressBars(console) as progress:
        images = open_source(data, split="all", max_bad_share=1.0, progress=progress)
    for note in images.notes:
        console.print(printable(f"Note: {note}"))
    _tell_of_large(images, artefact, console)
    compute = artefact.function(signature)
    with waiting(console, f"Computing {out.name}"):
        size = _shard_size(artefact.description["input"], compute)
    kept = out.with_name(f".{out.name}.partial")
    digest = digests.of_json(artefact.digest, signature, images.fingerprint, size)
    store = ResultStore(kept / digest[:16], compressed=False, check=_check_shard)
    make_folder(store.folder, "--out")
    names = {f"from-{start:08d}": range(start, min(start + size, len(images))) for start in range(0, len(images), size)}
    with ProgressBars(console) as progress:
        progress.start(out.name, len(images))
        _fill(store, digest, names, images, artefact.description["input"], compute, progress)
    records = {name: store.record(name, digest) for name in names}
    bad = [(file.path, file.reason) for file in images.bad_files]
    bad += [tuple(one) for record in records.values() for one in record["bad"]]
    shards = _Shards(store, digest, [name for name, record in records.items() if record["paths"]])
    if not shards.names:
        shutil.rmtree(kept)
        raise InputError(f"`data` must hold an image that can be read. Received: {data} with {len(bad)} bad files")
    with waiting(console, f"Writing {out}"), atomic_output(out, argument="--out") as partial:
        write(partial, shards)
    _tell_bad_files(bad, out, console)
    shutil.rmtree(kept)
    console.print(f"{sum(len(record['paths']) for record in records.values()):,} images: {out}")
    return out


def _shard_size(given, compute):
    """Images whose pictures and results take no more than `_BYTES`, but at least a batch."""
    example = np.zeros((1, given["crop"], given["crop"], given["channels"]), "float32")
    one = example.nbytes + sum(array.nbytes for array in compute(example).values())
    return int(np.clip(_BYTES // one, BATCH, SHARD))


class _Shards:
    """Computed shards in their order, each `(paths, arrays)`; an iteration holds one at a time."""

    def __init__(self, store, digest, names):
        self.store, self.digest, self.names = store, digest, names

    def __iter__(self):
        for name in self.names:
            record, arrays = self.store.load(name, self.digest)
            yield record["paths"], arrays


def _check_shard(record, arrays):
    """Raises an error unless these are the images and the arrays of a shard."""
    check_kinds(record, paths=list, bad=list)
    if any(len(array) != len(record["paths"]) for array in arrays.values()) or bool(arrays) != bool(record["paths"]):
        raise ValueError("its arrays are not of its images")


def _fill(store, digest, names, images, given, compute, progress):
    """Computes the shards that are not there."""
    missing = [name for name in names if store.load(name, digest) is None]
    progress.advance(len(images) - sum(len(names[name]) for name in missing))
    with ThreadPoolExecutor(max(2, processors())) as pool:

        def begin(name):
            return [pool.submit(_read, images, position, given) for position in names.get(name, ())]

        try:
            reading = begin(missing[0] if missing else None)
            for name, following in itertools.zip_longest(missing, missing[1:]):
                read = [future.result() for future in reading]
                # The next images are decoded while these are computed.
                reading = begin(following)
                record = {
                    "paths": [path for path, picture, _ in read if picture is not None],
                    "bad": [(path, reason) for path, picture, reason in read if picture is None],
                }
                arrays = _computed(compute, [picture for _, picture, _ in read if picture is not None], progress)
                store.save(name, digest, record, **arrays)
                del arrays  # before those of the next shard are there
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _read(images, position, given):
    """`(path, picture, reason)`: `[crop, crop, C]` as it was stored, or `None` and why."""
    path, crop = images.ids[position], given["crop"]
    try:
        array = images.read(position)
        if is_tiny(array.shape, crop):
            return path, None, f"has {array.shape[0]} × {array.shape[1]} px, far below the {crop} px that are needed"
        picture = convert(array, given["channels"], given["short_side"])
    except (OSError, ValueError) as error:
        if lacks_memory(error):
            raise MemoryError(f"{path}: {error}") from error
        return path, None, plain_reason(error)
    top, left = ((side - crop) // 2 for side in picture.shape[:2])
    if min(top, left) < 0:
        return path, None, f"smaller than the crop, {crop} px"
    return path, picture[top : top + crop, left : left + crop].copy(), None


def _computed(compute, pictures, progress):
    """Arrays of a shard, by output."""
    parts = []
    for first in range(0, len(pictures), BATCH):
        batch = np.stack([to_float(picture) for picture in pictures[first : first + BATCH]])
        parts.append(compute(batch))
        progress.advance(len(batch))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}


def _tell_of_large(images, artefact, console):
    given = artefact.description["input"]
    larger = images.sizes[:, :2].min(axis=1) > _MUCH * given["crop"]
    if larger.any() and given["short_side"] is None:
        console.print(
            f"Note: the encoder was trained on crops of images as they are; of {larger.sum():,} it sees the middle "
            f"{given['crop']} × {given['crop']} px alone."
        )


def _tell_bad_files(bad, out, console):
    listed = out.with_name(f"{out.name}.bad_files.csv")
    if not bad:
        listed.unlink(missing_ok=True)  # that of an earlier call
        return
    with atomic_output(listed, argument="--out", guarded=False) as partial:
        columns = dict(zip(("path", "reason"), zip(*bad, strict=True), strict=True))
        table_for_spreadsheet(columns).to_csv(partial, index=False)
    console.print(f"{len(bad)} could not be read and are left out ({listed}):")
    for path, reason in bad:
        console.print(printable(f"  {path}: {reason}"))
