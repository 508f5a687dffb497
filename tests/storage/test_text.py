import codecs

import pytest

from cpc_keras.storage.text import decode, plain_word, read_lines, read_table, read_text

TEXT = "path;label\nbild 1.png;Käfer\nbild 2.png;Œuf\n"


@pytest.fixture
def written(tmp_path):
    """Writes bytes to a file and gives its path."""

    def write(content):
        path = tmp_path / "file.txt"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode("utf-8"),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        TEXT.encode("cp1252"),
        TEXT.replace("\n", "\r\n").encode("utf-8"),
        TEXT.replace("\n", "\r").encode("cp1252"),
        ("\ufeff" + TEXT).encode("utf-16"),
    ],
)
def test_whatever_program_wrote_it(written, content):
    assert read_text(written(content)) == TEXT


def test_a_declared_encoding_is_used_unless_it_does_not_fit():
    assert decode("猫".encode("gbk"), "GB2312") == "猫"
    assert decode("猫".encode(), "no such codec") == "猫"
    assert decode("猫".encode(), "ascii") == "猫"


def test_what_is_no_text_is_said_to_be_none(written):
    with pytest.raises(ValueError, match="is not text"):
        read_text(written(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00"))


def test_words_are_composed_and_stripped_of_what_nobody_sees():
    assert plain_word(" \ufeff\u200bcafe\u0301\xa0\t") == "café"


def test_lines_without_comments_and_blanks(written):
    assert read_lines(written(b"\xef\xbb\xbfa.png\r\n\r\n  # a comment\r\n b 1.png \r\n")) == ["a.png", "b 1.png"]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_tables_by_any_separator_and_letters(written, separator):
    lines = [("Path", " LABEL ", "note"), ("a.png", "cat", "x"), ("", "", ""), ("b.png",), ("c.png", "dog", "", "")]
    path = written("".join(separator.join(line) + "\r\n" for line in lines).encode())
    rows = list(read_table(path, ("path", "label"), ("split",)))
    assert rows == [(2, ["a.png", "cat", ""]), (4, ["b.png", "", ""]), (5, ["c.png", "dog", ""])]


def test_quoted_fields_and_excels_own_first_line(written):
    rows = list(read_table(written(b'sep=;\npath;label\n"a;b.png";"say ""cat"""\n'), ("path", "label")))
    assert rows == [(3, ["a;b.png", 'say "cat"'])]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no names of columns"),
        (b"image,label\na,b\n", "columns 'image', 'label', none of them 'path'"),
        (b"path,label,Label\na,b,c\n", "2 columns 'label'"),
        (b"path,label\na,b\nc,d,e\n", "line 3 with 3 values for 2 columns"),
        (b'path,label\n"a,b\n', "line .*unexpected end of data"),
        (b"PK\x03\x04\x00\x00\x08\x00", "is not text"),
    ],
)
def test_what_is_no_such_table_is_refused_in_one_line(written, content, message):
    with pytest.raises(ValueError, match=message) as error:
        list(read_table(written(content), ("path", "label")))
    assert "\n" not in str(error.value)
