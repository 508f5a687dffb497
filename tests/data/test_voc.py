import codecs

import pytest
from PIL import Image

from cpc_keras.data.voc import find_entries, read_annotation
from cpc_keras.errors import InputError

BOX = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox>"
OBJECT = f"<object><name>{{name}}</name>{BOX}</object>"


@pytest.fixture
def annotated(tmp_path, photographs):
    """Writes an image and its annotation; gives the path of the annotation."""

    def write(name, content=None, folder=""):
        place = tmp_path / "voc" / folder
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photographs[0][:50, :60]).save(place / f"{name}.jpg")
        path = place / f"{name}.xml"
        path.write_bytes(content or f"<annotation>{OBJECT.format(name='cup')}</annotation>".encode())
        return path

    return write


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("GB2312", "gbk"),
        ("gbk", "gbk"),
        ("GB18030", "gb18030"),
        ("Shift_JIS", "shift_jis"),
        ("Unicode", "utf-8"),
        ("no-such-codec", "utf-8"),
        ("utf-8", "utf-8"),
        ("UTF-16", "utf-16"),
        ("utf-8", "utf-8-sig"),
    ],
)
def test_annotations_in_any_encoding(annotated, declared, codec):
    text = f'<?xml version="1.0" encoding="{declared}"?>\r\n<annotation>{OBJECT.format(name="杯")}</annotation>'
    assert read_annotation(annotated("a", text.encode(codec))).objects[0][0] == "杯"


def test_namespaces_sizes_and_blanks(annotated):
    text = f"<annotation xmlns='urn:x'><size><width>600</width><height>500.0</height></size>{OBJECT}</annotation>"
    annotation = read_annotation(annotated("a", text.format(name="\n cup ").encode()))
    assert annotation.objects == [("cup", (0.0, 1.0, 30.0, 40.0), False)]
    assert annotation.size == (600, 500)
    assert read_annotation(annotated("b", text.replace("600", "0").format(name="cup").encode())).size is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<annotation><object>", "cannot be read"),
        (b"\x00\x01\x02", "cannot be read"),
        (codecs.BOM_UTF8, "cannot be read"),
        (b"<annotation><object><name> </name></object></annotation>", "has no name or no bndbox in object 1"),
        (f"<annotation>{OBJECT.format(name='a')}</annotation>".replace("30", "nan").encode(), "has no numbers"),
        (f"<annotation>{OBJECT.format(name='a')}</annotation>".replace("30", "1e999").encode(), "has no numbers"),
        (b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><annotation>&b;</annotation>", "cannot be read"),
    ],
)
def test_a_broken_annotation_is_bad_in_one_line(annotated, content, reason):
    with pytest.raises(ValueError, match=reason) as error:
        read_annotation(annotated("a", content))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content", ["img 1  1\nimg6 -1\n", "img 1.jpg\r\nJPEGImages\\img6.jpg\r\n", "\ufeffimg 1\nimg6\nimg6\n\n# end\n"]
)
def test_lists_name_images_in_many_ways(tmp_path, annotated, content):
    for name in ("img 1", "img6", "img"):
        image = annotated(name, folder="Annotations").with_suffix(".jpg")
        image.rename(made(tmp_path / "voc/JPEGImages") / f"{name}.jpg")
    for encoding in ("utf-8", "utf-16"):
        (made(tmp_path / "voc/ImageSets/Main") / "train.txt").write_bytes(content.encode(encoding))
        (entries,) = find_entries(tmp_path / "voc", "voc:voc").values()
        assert [entry.image.name for entry in entries] == ["img 1.jpg", "img6.jpg"]


def made(folder):
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_a_list_of_others_is_refused_with_what_it_names(tmp_path, annotated):
    annotated("a", folder="Annotations")
    (made(tmp_path / "voc/ImageSets/Main") / "train.txt").write_text("nobody\u200b here\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"train.txt lists 1 without, the first 'nobody\\u200b here'"):
        find_entries(tmp_path / "voc", "voc:voc")


def test_companions_of_macos_are_no_annotations(tmp_path, annotated):
    annotated("a")
    for name in ("._a.xml", "._a.jpg"):
        (tmp_path / "voc" / name).write_bytes(b"\x00\x05\x16\x07")
    assert [entry.image.name for entry in find_entries(tmp_path / "voc", "voc:voc")[None]] == ["a.jpg"]


def test_splits_of_folders_in_any_letters(annotated, tmp_path):
    for folder in ("Train", "valid", "TEST"):
        annotated("a", folder=folder)
    assert set(find_entries(tmp_path / "voc", "voc:voc")) == {"train", "validation", "test"}
