"""The one reader of text: lists and tables as people's programs write them."""

import csv
import pathlib
import unicodedata

# What other programs put around words, and nobody sees: marks of byte order, joiners and blanks without width.
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"
_MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_SEPARATORS = ",;\t|"


def read_text(path):
    r"""Text of a file in the encoding in which it was written.

    That is what its byte order mark says; without one UTF-8, UTF-16 where every other
    byte is zero, or else Windows-1252 or Latin-1. Lines end in `\n`, whatever they
    ended in.

    Args:
        path: The file.

    Returns:
        A string without byte order mark.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is no text.

    Example:

    >>> import tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "labels.csv")
    >>> _ = path.write_bytes("café;1\r\n".encode("cp1252"))
    >>> read_text(path)
    'café;1\n'
    """
    return decode(pathlib.Path(path).read_bytes()).replace("\r\n", "\n").replace("\r", "\n")


def decode(content, declared=None):
    """Bytes as text, see `read_text`.

    Args:
        content: The bytes.
        declared: Name of the encoding that the content itself claims, or `None`; a mark
            counts more, and one that is unknown or does not fit counts nothing.

    Raises:
        ValueError: If they are no text.
    """
    marked = next((encoding for mark, encoding in _MARKS.items() if content.startswith(mark)), None)
    for encoding in filter(None, (marked, declared, "utf-8", _wide(content), "cp1252", "latin-1")):
        try:
            text = content.decode(encoding)
        except (UnicodeError, LookupError):
            continue
        if "\x00" not in text:
            return text.lstrip("\ufeff")
    raise ValueError("is not text")


def _wide(content):
    """UTF-16 without its mark, if every other byte is zero, as of European letters."""
    for encoding, zeros in (("utf-16-le", content[1::2]), ("utf-16-be", content[::2])):
        if len(content) % 2 == 0 and zeros and zeros.count(0) > 0.7 * len(zeros):
            return encoding
    return None


def plain_word(text):
    """A word as people mean it: composed (NFC), without blanks and invisible characters around it.

    Example:

    >>> plain_word("\\ufeff cafe\\u0301\\xa0") == "caf\\xe9"
    True
    """
    before = None
    while text != before:
        before, text = text, text.strip().strip(_INVISIBLE)
    return unicodedata.normalize("NFC", text)


def read_lines(path):
    """Lines of a list without blanks around them, neither empty ones nor comments that begin with `#`.

    Args:
        path: A text file.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is no text.
    """
    lines = [line.strip().strip(_INVISIBLE).strip() for line in read_text(path).split("\n")]
    return [line for line in lines if line and not line.startswith("#")]


def read_table(path, required, optional=()):
    """Rows of a table of text whose first line names its columns.

    Columns are separated by comma, semicolon, tab or bar, whichever the first line
    has, and are found by name in any case. Rows without a word are left out.

    Args:
        path: A text file.
        required: Names of columns that it must have, in small letters.
        optional: Names of columns that it may have; they are empty where it has not.

    Yields:
        `(line, values)`: the number of the line on which a row ends, and the text of
        each required and optional column, unchanged.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is no table of these columns, in one line that says why.
    """
    lines = read_text(path).split("\n")
    skipped = 1 if lines[0].lower().startswith("sep=") else 0  # Excel's way to name the separator
    header = next(iter(lines[skipped:]), "")
    separator = max(_SEPARATORS, key=header.count)
    rows = csv.reader((f"{line}\n" for line in lines[skipped:]), delimiter=separator, strict=True)
    try:
        names = [plain_word(name).lower() for name in next(rows, [])]
        if not any(names):
            raise ValueError("no names of columns in the first line")
        for name in required:
            if name not in names:
                raise ValueError(f"columns {', '.join(map(repr, names))}, none of them {name!r}")
        wanted = [*required, *optional]
        for name in wanted:
            if names.count(name) > 1:
                raise ValueError(f"{names.count(name)} columns {name!r}")
        places = [names.index(name) if name in names else None for name in wanted]
        for row in rows:
            if not any(map(plain_word, row)):
                continue
            if any(map(plain_word, row[len(names) :])):
                raise ValueError(f"line {rows.line_num + skipped} with {len(row)} values for {len(names)} columns")
            row += [""] * (len(names) - len(row))
            yield rows.line_num + skipped, [row[place] if place is not None else "" for place in places]
    except csv.Error as error:
        raise ValueError(f"line {rows.line_num + skipped}: {error}") from error
