"""Sections of a report on detectors that stand on the run's encoder."""

import shutil

import pandas as pd
from PIL import Image

from cpc_keras.detection.table import FORMER_FIELDS, detection_table
from cpc_keras.report.page import Section
from cpc_keras.storage.names import from_spreadsheet
from cpc_keras.storage.reading import readable

# Names in a summary of detectors, not numbers nor gaps, whatever they look like.
_BACKBONES = dict.fromkeys(("backbone", "trunk"), from_spreadsheet)
_DETECTION_NOTE = (
    "Faster R-CNN on the same architecture with different weights, the same steps each. Brackets go from the lowest to "
    "the highest subset of the annotated images, or, where there is one, are its 95 % interval."
)
_FOUND_NOTE = "Scores from 50 % on. Green boxes are right, red ones wrong; dotted ones were missed."


def detection_sections(folder):
    """Sections for each detection data set that the run was carried over to."""
    sections = []
    folder.report.mkdir(parents=True, exist_ok=True)
    for file in sorted(folder.detection.glob("*/summary.csv")):
        name = file.parent.name
        table = readable(file, _detection_table)
        if table is None:
            continue
        curve, found = (
            _copied(file.parent / picture, folder.report / f"detection_{name}_{picture}")
            for picture in ("map.png", "detections.png")
        )
        sections.append(Section(f"Carried over to detection: {name}", curve, table, _DETECTION_NOTE))
        if found:
            sections.append(Section(f"What was found: {name}", found, note=_FOUND_NOTE))
    return sections


def _detection_table(file):
    summary = pd.read_csv(file, converters=_BACKBONES).rename(columns=FORMER_FIELDS)
    if summary[["backbone", "fraction", "images", "boxes", "mean"]].isna().any(axis=None):
        raise ValueError("it has a row without figures")
    return detection_table(summary)


def _copied(picture, copy):
    """Name of a copy of a picture; `None` where there is none that is whole."""

    def take(file):
        with Image.open(file) as image:
            image.verify()
        shutil.copyfile(file, copy)
        return copy.name

    return readable(picture, take)
