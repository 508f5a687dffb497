"""Names of people's files, classes and encoders, as files hold them and as files are called."""

import re

from cpc_keras.storage import digests

# What has no place in a line of text.
_NOT_WRITTEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# What a spreadsheet takes for a formula at the beginning of a cell, and what it strips there.
_FORMULA = re.compile(r"'*[=+\-@\t＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
# What some file system does not take, and names that one takes for devices.
_UNFIT = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\ud800-\udfff]')
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def written(name):
    r"""A name as files of text hold it, in one line: bytes that are no UTF-8 and line breaks as escapes, most as it is.

    Python keeps such bytes as surrogates, which no encoding has. What is written
    already stays as it is. `unwritten` leads back, but for names that hold the text of
    an escape themselves: whoever reads a file of names tries each as it stands first.

    Example:

    >>> print(written("caf\udce9.png"), written("a cat.png"))
    caf\xe9.png a cat.png
    """
    return _NOT_WRITTEN.sub(_escape, name)


def unwritten(text):
    r"""The name that `written` has written.

    Example:

    >>> unwritten(r"caf\xe9.png")
    'caf\udce9.png'
    """
    return re.sub(r"\\x([0-9a-f]{2})|\\u([0-9a-f]{4})", _unescape, text)


def _escape(found):
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}"


def _unescape(found):
    code = int(found[1] or found[2], 16)
    return chr(code + 0xDC00 if found[1] and code >= 0x80 else code)


def for_spreadsheet(text):
    """A text as a cell of a CSV file that people open: with an apostrophe before what would be run as a formula.

    Numbers, `-1` say, stay as they are. `from_spreadsheet` leads back.

    Example:

    >>> for_spreadsheet("=1+1"), for_spreadsheet("-1"), for_spreadsheet("a cat")
    ("'=1+1", '-1', 'a cat')
    """
    text = written(text)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def from_spreadsheet(cell):
    """The text that `for_spreadsheet` has written."""
    return unwritten(cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell)


def path_for_spreadsheet(path):
    """A path as such a cell: still a path to the same file, for `./` does what an apostrophe does.

    Example:

    >>> path_for_spreadsheet("=1+1/cat.png"), path_for_spreadsheet("cats/1.png")
    ('./=1+1/cat.png', 'cats/1.png')
    """
    text = written(path)
    return f"./{text}" if _FORMULA.match(text) else text


def table_for_spreadsheet(columns):
    """A `pandas.DataFrame`, which itself takes no surrogates, whose texts may stand in a CSV file.

    Args:
        columns: Dictionary from the name of a column to its values, or another table.
            The column `path` holds paths.
    """
    import pandas as pd

    def cells(name, values):
        door = path_for_spreadsheet if name == "path" else for_spreadsheet
        return [door(value) if isinstance(value, str) else value for value in values]

    return pd.DataFrame({name: cells(name, values) for name, values in columns.items()})


def file_name(name, most=120):
    """A name as part of a file's name, on any file system: the name itself, wherever that can be one.

    Otherwise what cannot stand there becomes `_`, what is too long is cut, and a few
    digits of a digest keep it apart from others.

    Args:
        name: Any string.
        most: Bytes that it may take, apart from the digest.

    Example:

    >>> file_name("resnet"), file_name("../resnet")
    ('resnet', '.._resnet-2da09743')
    """
    plain = _UNFIT.sub("_", name).encode()[:most].decode(errors="ignore").rstrip(" .")
    if plain and plain == name and not _DEVICE.fullmatch(name):
        return name
    return f"{plain}-{digests.of_lines([name])[:8]}"
