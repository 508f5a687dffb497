"""Images go through an exported encoder: features, or classes."""

import contextlib
import itertools
import pathlib
import shutil
import zipfile
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
from cpc_keras.export.artefact import open_artefact
from cpc_keras.export.model_card import threshold_words
from cpc_keras.progress import ProgressBars, waiting
from cpc_keras.storage import digests
from cpc_keras.storage.names import table_for_spreadsheet, written
from cpc_keras.storage.outputs import atomic_output, check_replaceable, make_folder
from cpc_keras.storage.owner import owned_output
from cpc_keras.storage.reading import check_kinds
from cpc_keras.storage.results import ResultStore

ENDINGS = (".npz", ".parquet")
# Images of which an interrupted call loses the work at most, images computed at a time, and what a shard may take.
SHARD, BATCH, _BYTES = 2048, 128, 2**28
# Images whose short side is so many crops are more than their middle.
_MUCH = 2


def embed(model, data, out, console, signature="serving_default"):
    """Writes what an exported encoder makes of every image of a source.

    Images are prepared as those were that the encoder was trained on: its
    channels, the short side and the centre crop of its recipe. What is done is
    kept beside `out` until all is done; the same call goes on from there.

    Args:
        model: Folder of an artefact.
        data: Source of the images, see `cpc_keras.data.open_source`; of files all
            splits are taken, of `tfds:NAME` without `@SPLIT` the training split.
        out: File to write. `.npz` holds `paths` `[N]` and an array named as the
            signature's output, `[N, …]`; `.parquet` has a row an image with
            `path` and the vector. Both in the order of the source. Of a name that is no
            UTF-8, Parquet has escapes (`cpc_keras.storage.names.written`). Files that
            cannot be read are left out, printed, and listed in a CSV file beside.
        console: A `rich.console.Console`.
        signature: What the artefact is asked for.

    Returns:
        The path.

    Raises:
        InputError: If the artefact, the source or `out` cannot be used.
    """
    out = _writable(out, ENDINGS)
    with waiting(console, f"Loading {model}"):
        artefact = open_artefact(model)
    shapes = artefact.shapes(signature)
    if out.suffix == ".parquet" and any(len(shape) != 2 for shape in shapes.values()):
        raise InputError(f"`--out` must end in .npz for {signature}, which gives no vectors. Received: {out}")
    write = _write_npz if out.suffix == ".npz" else _write_parquet
    with owned_output(out, "--out", "file"):
        return _through(artefact, data, signature, out, console, write)


def predict(model, data, out, console, every_class=False, threshold=None):
    """Writes the class that an exported head gives to every image of a source.

    It is the likelier one. Of two classes, the threshold that was chosen inside the
    labels is printed, and used where it is asked for.

    Args:
        model: Folder of an artefact that was exported with a head.
        data: Source of the images, see `cpc_keras.data.open_source`; of files all
            splits are taken, of `tfds:NAME` without `@SPLIT` the training split.
        out: CSV file to write, with the columns `path`, `class` and `probability`; names
            are written as `cpc_keras.storage.names.table_for_spreadsheet` does.
        console: A `rich.console.Console`.
        every_class: Whether there is a column for each class too, `p(CLASS)`, with its
            probability.
        threshold: Of two classes, the probability of the second one from which on it is
            written, in `[0, 1]`, such as `threshold` of the head in `model.json`; the
            likelier class is written if `None`. `probability` is that of the class
            that is written.

    Returns:
        The path.

    Raises:
        InputError: As `embed`, if the artefact has no head, and if it has a head of
            other than two classes and `threshold` is given.
    """
    out = _writable(out, (".csv",))
    with waiting(console, f"Loading {model}"):
        artefact = open_artefact(model)
    if "classify" not in artefact.signatures:
        raise InputError(f"`MODEL` must be exported with --with-head. Received: {model} with {artefact.signatures}")
    names = np.array(artefact.class_names)
    if threshold is not None and len(names) != 2:
        raise InputError(
            f"`--threshold` must be asked of a model of two classes. Received: {threshold:g} for {len(names)} classes"
        )

    def write(partial, shards):
        with open(partial, "w", encoding="utf-8", newline="") as file:
            for number, (paths, arrays) in enumerate(shards):
                said = arrays["probabilities"]
                chosen = said.argmax(axis=1) if threshold is None else (said[:, 1] >= threshold).astype(int)
                table = {"path": paths, "class": names[chosen], "probability": said[np.arange(len(said)), chosen]}
                if every_class:
                    table |= {f"p({written(name)})": said[:, place] for place, name in enumerate(names)}
                table_for_spreadsheet(table).to_csv(file, index=False, header=number == 0, float_format="%.4f")

    with owned_output(out, "--out", "file"):
        path = _through(artefact, data, "classify", out, console, write)
    _tell_decision(artefact.description["head"], names, threshold, console)
    return path


def _tell_decision(head, names, threshold, console):
    """Says by what two classes were parted, and by what they may be."""
    known = isinstance(head.get("threshold"), float) and isinstance(head.get("held_out"), int)
    if threshold is not None:
        console.print(printable(f"“{names[1]}” is written from a probability of {threshold:g} on."))
    elif known and head["held_out"]:
        console.print(printable(f"{threshold_words(head)} For that, add --threshold {head['threshold']:g}."))


def _through(artefact, data, signature, out, console, write):
    """Sends every image of a source through a signature; `write(partial, shards)` gets the shards that hold any."""
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


def _write_npz(partial, shards):
    """As `numpy.savez` would, without holding more than a shard."""
    paths: list[str] = []
    kinds: dict[str, tuple] = {}
    for of_shard, arrays in shards:
        paths += of_shard
        kinds = kinds or {name: (array.dtype.str, array.shape[1:]) for name, array in arrays.items()}
    with zipfile.ZipFile(partial, "w") as file:
        with file.open("paths.npy", "w", force_zip64=True) as entry:
            np.lib.format.write_array(entry, np.array(paths))
        for name, (dtype, shape) in kinds.items():
            with file.open(f"{name}.npy", "w", force_zip64=True) as entry:
                header = {"descr": dtype, "fortran_order": False, "shape": (len(paths), *shape)}
                np.lib.format.write_array_header_1_0(entry, header)
                for _, arrays in shards:
                    entry.write(arrays[name].tobytes())


def _write_parquet(partial, shards):
    """A group of rows for each shard."""
    import pyarrow
    from pyarrow import parquet

    with contextlib.ExitStack() as stack:
        file = stack.enter_context(open(partial, "wb"))  # pyarrow takes no name that is not UTF-8
        writer = None
        for paths, arrays in shards:
            table = pyarrow.Table.from_pydict(
                {"path": list(map(written, paths)), **{name: list(array) for name, array in arrays.items()}}
            )
            writer = writer or stack.enter_context(parquet.ParquetWriter(file, table.schema))
            writer.write_table(table)


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


def _writable(out, endings):
    out = pathlib.Path(out)
    if out.suffix not in endings:
        raise InputError(f"`--out` must end in {' or '.join(endings)}. Received: {out}")
    check_replaceable(out, argument="--out")
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
