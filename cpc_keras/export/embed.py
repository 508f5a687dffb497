"""What an exported encoder makes of every image: features, as a file of NumPy or Parquet."""

import contextlib
import zipfile

import numpy as np

from cpc_keras.errors import InputError
from cpc_keras.export.artefact import open_artefact
from cpc_keras.export.every_image import send_through, writable
from cpc_keras.progress import waiting
from cpc_keras.storage.names import written
from cpc_keras.storage.owner import owned_output

ENDINGS = (".npz", ".parquet")


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
    out = writable(out, ENDINGS)
    with waiting(console, f"Loading {model}"):
        artefact = open_artefact(model)
    shapes = artefact.shapes(signature)
    if out.suffix == ".parquet" and any(len(shape) != 2 for shape in shapes.values()):
        raise InputError(f"`--out` must end in .npz for {signature}, which gives no vectors. Received: {out}")
    write = _write_npz if out.suffix == ".npz" else _write_parquet
    with owned_output(out, "--out", "file"):
        return send_through(artefact, data, signature, out, console, write)


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
