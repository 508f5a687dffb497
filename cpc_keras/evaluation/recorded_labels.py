"""What an evaluation was of, kept beside its results: figures can be shown where the images are gone."""

import dataclasses

import numpy as np

from cpc_keras.storage.reading import check_kinds
from cpc_keras.storage.results import ResultStore

_NAME = "labels"


@dataclasses.dataclass
class RecordedLabels:
    """What of `cpc_keras.data.labelled_images.LabelledImages` figures need.

    Attributes:
        test_labels: Class of each test image, `[M]`.
        class_names: Names by class.
        figure: The figure to read.
        figure_name: What it is called.
        notes: What the user should know about the data, in sentences.
        digest: Names the images and their labels.
    """

    test_labels: np.ndarray
    class_names: tuple[str, ...]
    figure: str
    figure_name: str
    notes: list[str]
    digest: str

    @property
    def classes(self):
        """Number of classes."""
        return len(self.class_names)


def record_labels(folder, images):
    """Keeps what a run is evaluated with.

    Args:
        folder: A `RunFolder`.
        images: A `LabelledImages`.
    """
    record = {name: getattr(images, name) for name in ("class_names", "figure", "figure_name", "notes", "digest")}
    _store(folder).save(_NAME, images.digest, record, test_labels=images.test_labels)


def recorded_labels(folder):
    """What `record_labels` kept, a `RecordedLabels`; `None` if it kept nothing that can be read.

    Args:
        folder: A `RunFolder`.
    """
    found = _store(folder).everything()
    if not found:
        return None
    ((record, arrays),) = found
    return RecordedLabels(**{**record, "class_names": tuple(record["class_names"])}, **arrays)


def _store(folder):
    return ResultStore(folder.evaluation / "labels", check=_check)


def _check(record, arrays):
    check_kinds(record, class_names=list, figure=str, figure_name=str, notes=list, digest=str)
    if arrays["test_labels"].dtype.kind not in "iu":
        raise ValueError("its labels are no whole numbers")
