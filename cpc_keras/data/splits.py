"""What names of folders and columns say: which split, and which class."""

import re
import unicodedata

from cpc_keras.storage.text import plain_word

TRAIN, VALIDATION, TEST = "train", "validation", "test"
# What people call them, in small letters.
_SPLITS = {
    **dict.fromkeys((TRAIN, "training"), TRAIN),
    **dict.fromkeys((VALIDATION, "val", "valid", "validate", "dev", "development"), VALIDATION),
    **dict.fromkeys((TEST, "testing"), TEST),
}
_WITHOUT_LABELS = {"unlabeled", "unlabelled", "unlabeled_data", "unlabelled_data", "unsup", "unsupervised", "no_label"}
# In columns, this number marks an image without a label, as STL-10 has it.
_NO_LABEL = ("", "-1")


def split_of(name):
    """The split that a name stands for, in whatever letters: train, validation or test; `None` for other names.

    Example:

    >>> split_of(" Valid "), split_of("Testing"), split_of("cats")
    ('validation', 'test', None)
    """
    return _SPLITS.get(plain_word(name).lower())


def label_of(text):
    """A label as a column has it, composed and without blanks around it; `None` of an empty one and of -1."""
    word = plain_word(text)
    return None if word in _NO_LABEL else word


def rows_of_folders(names):
    """Class and split of images by the folders that they lie in.

    A folder named like a split, or "unlabeled", is never a class; images without a
    folder of a class have no label. A folder that holds all others is stepped over.

    Args:
        names: Paths of images below the source's folder.

    Returns:
        List of `(label or None, split or None)`.

    Example:

    >>> rows_of_folders(["Train/cat/1.png", "Train/dog/1.png", "test/7.png"])
    [('cat', 'train'), ('dog', 'train'), (None, 'test')]
    >>> rows_of_folders(["data/cat/1.png", "data/dog/1.png", "unlabeled/3.png"])
    [('cat', None), ('dog', None), (None, None)]
    """
    folders = [name.split("/")[:-1] for name in names]
    while (around := _folder_around(folders)) is not None:
        folders = [parts[1:] if parts[:1] == [around] else parts for parts in folders]
    splits = []
    for position, parts in enumerate(folders):
        split = None
        while parts and (found := split_of(parts[0])):
            split, parts = found, parts[1:]
        splits.append(split)
        folders[position] = parts
    for split in set(splits) - {None}:
        members = [position for position, one in enumerate(splits) if one == split]
        around = _folder_around([folders[position] for position in members])
        for position in members if around is not None else ():
            if folders[position][:1] == [around]:
                folders[position] = folders[position][1:]
    return [(_class_of(parts), split) for parts, split in zip(folders, splits, strict=True)]


def _folder_around(folders):
    """The only folder beside splits and images without labels, if all that it holds are several folders."""
    first = {parts[0] for parts in folders if parts and not _is_no_class(parts[0])}
    if len(first) != 1:
        return None
    (around,) = first
    inside = [parts[1:] for parts in folders if parts[:1] == [around]]
    if not all(inside):
        return None
    several = {parts[0] for parts in inside}
    deeper = all(len(parts) > 1 for parts in inside)
    return around if len(several) > 1 or deeper or split_of(*several) else None


def _is_no_class(name):
    return split_of(name) is not None or plain_word(name).lower() in _WITHOUT_LABELS


def _class_of(parts):
    return None if not parts or _is_no_class(parts[0]) else plain_word(parts[0])


def alike(names):
    """Names that only differ in case, or as numbers not at all, in groups.

    Args:
        names: Distinct texts.

    Example:

    >>> alike(["Cat", "cat", "dog", "1", "01", "1.0"])
    [['Cat', 'cat'], ['1', '01', '1.0']]
    """
    groups: dict[str | float, list[str]] = {}
    for name in names:
        number = re.fullmatch(r"[+-]?[0-9]{1,15}([.,][0-9]{1,15})?", name)
        key: str | float = float(name.replace(",", ".")) if number else unicodedata.normalize("NFKC", name).casefold()
        groups.setdefault(key, []).append(name)
    return [group for group in groups.values() if len(group) > 1]
