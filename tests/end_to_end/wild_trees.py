"""Folders, lists and annotations as people have them, put together by a seeded generator.

`python -m tests.end_to_end.wild_trees COUNT [FIRST]` runs the command on so many of them and says what came of each.
"""

import collections
import io
import os
import pathlib
import sys
import tempfile

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

from cpc_keras.data.folders import list_images
from tests.commands import RECIPE, cpc_keras

FOLDERS = (
    *("a", "b", "cat", "Cat", "cat ", "cafe\u0301", "caf\xe9", "2003²", "①", "$1_$", "_hidden", "=1+1", "[red]x[/]"),
    *("train", "Train", "TRAINING", "valid", "val", "test", "Testing", "dev", "unlabeled", "data", "images", "x" * 200),
    *(
        ".ipynb_checkpoints",
        "__MACOSX",
        "@eaDir",
        "$RECYCLE.BIN",
        ".git",
        "lost+found",
        "名前",
        "two\nlines",
        "tab\there",
    ),
    os.fsdecode(b"caf\xe9"),
)
ENDINGS = ("png", "jpg", "jfif", "JPG", "tif", "gif", "bmp", "webp", "avif", "jp2", "ppm", "tga", "")
FORMATS = {"jfif": "JPEG", "jpg": "JPEG", "JPG": "JPEG", "tif": "TIFF", "jp2": "JPEG2000", "ppm": "PPM", "": "PNG"}
OTHERS = (
    "notes.txt",
    "Thumbs.db",
    ".DS_Store",
    "desktop.ini",
    "labels.csv",
    "clip.mp4",
    "drawing.svg",
    "raw.nef",
    "noend",
)
HEADERS = ("path,label", "Path,Label", "path, label", "path,label,split", "image,label", "path,label,label")
LABELS = ("cat", "cat ", "Cat", "dog", "café", "", "-1", "1", "01")
SIZES = ("", "<size><width>60</width><height>40</height></size>", "<size><width>0</width></size>")
OBJECT = "<object><name>{}</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>{}</xmax><ymax>9</ymax></bndbox></object>"
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "utf-16-le")


class Grower:
    """Grows trees of files.

    Args:
        seed: Whole number.
        root: Folder to fill.
    """

    def __init__(self, seed, root):
        self.rng = np.random.default_rng(seed)
        self.root = pathlib.Path(root)
        self.photographs = load_sample_images().images

    def one_of(self, choices):
        return choices[int(self.rng.integers(len(choices)))]

    def chance(self, share):
        return bool(self.rng.random() < share)

    def picture(self):
        """Bytes of an image file, and its ending."""
        rng, ending = self.rng, self.one_of(ENDINGS)
        height, width = (int(side) for side in rng.integers(28, 90, 2))
        if self.chance(0.03):
            height, width = self.one_of([(1, 1), (1, 400), (3, 90), (28, 28)])
        pixels = self.photographs[int(rng.integers(2))][:height, :width]
        image = Image.fromarray(pixels)
        if self.chance(0.3):
            image = image.convert(self.one_of(["L", "1", "RGBA", "LA", "P", "CMYK", "I", "F"]))
        options = {}
        if self.chance(0.2) and ending in ("png", "jpg", "jfif", "webp"):
            options["exif"] = self.one_of([b"", b"Exif\0\0MM\0*\xff\xff", turned(6), turned(3), turned(9)])
        file = io.BytesIO()
        try:
            image.save(file, FORMATS.get(ending, ending.upper()), **options)
        except (OSError, KeyError, ValueError):  # a mode that the format has not
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, FORMATS.get(ending, ending.upper()))
        return file.getvalue(), ending

    def damaged(self, content):
        """The same, cut, with a byte turned, emptied or something else."""
        place = int(self.rng.integers(1, len(content)))
        turned_byte = content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]
        return self.one_of([content[:place], turned_byte, b"", b"<html>not found</html>"])

    def name(self, ending):
        stem = self.one_of(
            ["img", "img 1", "photo_10", "photo_9", "o'brien", "100%", "a,b", "ü", "u\u0308", "\xa0x", "#1"]
        )
        return f"{stem}{int(self.rng.integers(100))}{f'.{ending}' if ending else ''}"

    def put(self, folder, name, content):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        return folder / name

    def folder(self):
        parts = [self.one_of(FOLDERS) for _ in range(int(self.rng.choice([0, 1, 1, 1, 2, 2, 3])))]
        return self.root.joinpath(*parts)

    def tree(self):
        """Images, good and bad, among other things; gives the paths of the good ones."""
        images = []
        folders = [self.folder() for _ in range(int(self.rng.integers(1, 6)))]
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        for _ in range(int(self.rng.integers(4, 24))):
            content, ending = self.picture()
            if self.chance(0.06):
                content = self.damaged(content)
            images.append(self.put(self.one_of(folders), self.name(ending), content))
        for _ in range(int(self.rng.integers(0, 4))):
            self.put(self.one_of(folders), self.one_of(OTHERS), bytes(self.rng.integers(0, 256, 40, dtype="uint8")))
        if self.chance(0.2):
            self.put(self.one_of(folders), f"._{self.name('png')}", b"\0\5\x16\7")
        if self.chance(0.1):
            self.put(self.root / "runs" / "x" / "checkpoints", "step.keras", b"")
            self.put(self.root / "runs" / "x", "recipe.json", b"{}")
        if self.chance(0.2):
            link = self.one_of(folders) / "link"
            os.symlink(self.one_of([self.root, folders[0], "nowhere.png", "link", tempfile.gettempdir()]), link)
        if self.chance(0.05):
            os.mkfifo(self.one_of(folders) / "pipe.png")
        return images

    def table(self, images):
        """A CSV of some of them."""
        separator = self.one_of([",", ",", ";", "\t"])
        columns = self.one_of(HEADERS).split(",")
        lines = [separator.join(columns)]
        for image in images:
            path = os.path.relpath(image, self.root)
            path = path.replace("/", "\\") if self.chance(0.1) else path
            cells = [path, self.one_of(LABELS), self.one_of(["train", "Test", "", "val"])]
            lines.append(separator.join(cells[: len(columns)]))
            if self.chance(0.03):
                odd = (f"gone.png{separator}cat", '"unclosed', separator * 6, "", f"{path}{separator}a")
                lines.append(self.one_of(odd))
        text = self.one_of(["\n", "\r\n"]).join(lines)
        return self.put(self.root, "list.csv", text.encode(self.one_of(ENCODINGS), "replace"))

    def annotations(self, images):
        """XML beside images."""
        for image in images:
            found = OBJECT.format(self.one_of(["cup", "杯", ""]), self.one_of(["20", "x", "900"]))
            body = f"<annotation>{self.one_of(SIZES)}{found}</annotation>"
            encoding = self.one_of(["utf-8", "gbk", "utf-16", "cp1252"])
            text = f'<?xml version="1.0" encoding="{encoding}"?>{body}'.encode(encoding, "replace")
            image.with_suffix(".xml").write_bytes(self.damaged(text) if self.chance(0.05) else text)


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def check_tree(seed, place):
    """Grows a tree and runs a command on it: an end in order, or exactly one line, and nothing half-written.

    Args:
        seed: Whole number.
        place: An empty folder.

    Returns:
        What came of it, in a word or two.
    """
    place = pathlib.Path(place)
    grower = Grower(seed, place / "tree")
    images = grower.tree()
    (place / "small.py").write_text(RECIPE.replace("batch_size = 4", 'batch_size = "auto"'))
    kind = ("dir", "classes", "csv", "voc", "")[seed % 5]
    if kind == "csv":
        source = f"csv:{os.path.relpath(grower.table(images), place)}"
    elif kind == "voc":
        grower.annotations(images)
        source = "voc:tree"
    else:
        source = f"{kind}:tree" if kind else "tree"
    check_listing(place / "tree")
    before = files(place)
    done = cpc_keras("describe", "small.py", "--data", source, "--no-measure", cwd=place)
    assert files(place) == before, "something was left"
    lines = done.stderr.splitlines()
    if done.returncode == 0:
        assert lines == [], done.stderr
        return f"{kind or 'bare'}: read"
    assert done.returncode == 2, f"{done.returncode}: {done.stdout}{done.stderr}"
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("cpc-keras: "), done.stderr
    return f"{kind or 'bare'}: {lines[0].split('Received')[0][11:70]}"


def check_listing(root):
    """Each file of a tree is an image, passed over, or bad, itself or with a folder that it lies in; none is two."""
    found = list_images(root)
    bad = [os.path.relpath(one.path, root) for one in found.bad]
    ended = [*found.images, *found.passed_over, *bad]
    assert len(ended) == len(set(ended)), "counted twice"
    ends = set(ended)
    for folder, _, names in os.walk(root):
        for name in names:
            path = pathlib.PurePath(os.path.relpath(os.path.join(folder, name), root))
            met = [str(one) for one in (path, *path.parents) if str(one) in ends]
            assert len(met) == 1, f"{path} ends as {met}"


def files(place):
    return sorted(os.path.join(folder, name) for folder, _, names in os.walk(os.fsencode(place)) for name in names)


def main(count, first=0):
    """Checks many trees."""
    ends = collections.Counter()
    for seed in range(first, first + count):
        with tempfile.TemporaryDirectory() as place:
            try:
                ends[check_tree(seed, place)] += 1
            except AssertionError as error:
                print(f"{seed}: {error}", flush=True)
                ends["WRONG"] += 1
    for end, number in ends.most_common():
        print(f"{number:6}  {end}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
