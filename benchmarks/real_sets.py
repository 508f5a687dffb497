"""Two sets of real images besides Fashion-MNIST, as folders of classes with a split for training and one for testing.

`python benchmarks/real_sets.py pictograms DEST ARCHIVE …` unpacks pictograms from npm's packages of them: the drawings
of one thing by all vendors are in one split, classes are uneven. `python benchmarks/real_sets.py letters DEST FILE …`
draws the letters of the Latin alphabet, capital and small, in every typeface that has them; a typeface is in one split.
`make pictograms` and `make letters` do both, with all that they need.
"""

import argparse
import hashlib
import json
import pathlib
import shutil
import string
import tarfile

import numpy as np
from matplotlib.ft2font import FT2Font
from PIL import Image, ImageDraw, ImageFont

# One thing, or typeface, in so many is tested on.
_TESTED = 3
_SIDE = 64


def split_of(name):
    """The split of whatever has this name, the same on every machine."""
    return "test" if int(hashlib.sha256(name.encode()).hexdigest(), 16) % _TESTED == 0 else "train"


def pictograms(dest, archives):
    """Unpacks the base pictures of vendors' packages, one class a category.

    Args:
        dest: Folder to fill.
        archives: Packages `emoji-datasource-VENDOR-….tgz`.

    Returns:
        How many images there are.
    """
    count = 0
    for path in archives:
        vendor = path.name.split("-")[2]
        with tarfile.open(path) as archive:
            listed = json.load(archive.extractfile("package/emoji.json"))
            for entry in listed:
                if entry["category"] == "Component":  # skin tones and hair, which are no things
                    continue
                picture = archive.extractfile(f"package/img/{vendor}/{_SIDE}/{entry['image']}").read()
                category = entry["category"].replace(" & ", "-and-").replace(" ", "-").lower()
                folder = dest / split_of(entry["unified"]) / category
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{entry['unified'].lower()}-{vendor}.png").write_bytes(picture)
                count += 1
    return count


def letters(dest, files):
    """Draws each letter in each typeface that has all of them.

    Args:
        dest: Folder to fill.
        files: Typefaces, TrueType or OpenType.

    Returns:
        How many images there are.
    """
    drawn, count = set(), 0
    for path in sorted(files):
        face = FT2Font(str(path))
        name = f"{face.family_name} {face.style_name}"
        if name in drawn or not set(map(ord, string.ascii_letters)) <= set(face.get_charmap()):
            continue
        pictures = {letter: _draw(path, letter) for letter in string.ascii_letters}
        if any(picture is None for picture in pictures.values()):  # empty letters, or a face of pictures
            continue
        drawn.add(name)
        folder = dest / split_of(face.family_name)
        for letter, picture in pictures.items():
            place = folder / letter.lower()
            place.mkdir(parents=True, exist_ok=True)
            kind = "capital" if letter.isupper() else "small"
            picture.save(place / f"{path.stem.replace(' ', '_')}-{kind}.png")
            count += 1
    print(f"{len(drawn)} typefaces of {len(files)} files")
    return count


def _draw(path, letter):
    """A letter in the middle of a picture, dark on light; `None` where there is nothing to see."""
    font = ImageFont.truetype(str(path), _SIDE * 5 // 8)
    picture = Image.new("L", (_SIDE, _SIDE), 255)
    left, top, right, bottom = font.getbbox(letter)
    place = ((_SIDE - left - right) / 2, (_SIDE - top - bottom) / 2)
    ImageDraw.Draw(picture).text(place, letter, fill=0, font=font)
    return picture if np.asarray(picture).min() < 128 else None


def main():
    """Fills a folder, whole or not at all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("pictograms", "letters"))
    parser.add_argument("dest", type=pathlib.Path)
    parser.add_argument("sources", type=pathlib.Path, nargs="+")
    given = parser.parse_args()
    partial = given.dest.with_name(f".{given.dest.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    count = {"pictograms": pictograms, "letters": letters}[given.what](partial, given.sources)
    shutil.rmtree(given.dest, ignore_errors=True)
    partial.rename(given.dest)
    print(f"{count:,} images: {given.dest}")


if __name__ == "__main__":
    main()
