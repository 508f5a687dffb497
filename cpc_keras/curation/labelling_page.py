"""The page in which images are labelled: one HTML file that needs nothing from outside."""

import json
import pathlib

from cpc_keras.curation.thumbnails import thumbnail
from cpc_keras.storage import digests

_TEMPLATE = pathlib.Path(__file__).with_name("labelling_page.html")
# Sides in pixels of the image in question and of its neighbours.
_LARGE, _SMALL = 320, 96


def labelling_page(title, images, rows, classes=(), after=""):
    """The page as text.

    Each image is shown with its nearest neighbours. Classes are named in the page; a
    key labels an image and goes on to the next one. What was done stays in the browser,
    and is saved as `labels.csv`, with the columns `path` and `label`.

    Args:
        title: Its heading.
        images: The `ImageSet` that positions are of.
        rows: List of dictionaries with `position`, `path` (as it is written into
            `labels.csv`), `why` (a text) and `neighbors` (positions).
        classes: Names of classes that are there from the start.
        after: The command that takes `labels.csv`.

    Returns:
        HTML.
    """
    items = [
        {
            "path": row["path"],
            "name": pathlib.PurePath(row["path"]).name,
            "why": row["why"],
            "image": thumbnail(images.read(int(row["position"])), _LARGE),
            "neighbours": [thumbnail(images.read(int(one)), _SMALL) for one in row["neighbors"]],
        }
        for row in rows
    ]
    key = digests.of_lines(item["path"] for item in items)[:16]
    data = {"title": title, "key": key, "classes": list(classes), "next": after, "items": items}
    # Inside a script nothing but these ends it.
    text = json.dumps(data).replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return _TEMPLATE.read_text(encoding="utf-8").replace("@DATA@", text)
