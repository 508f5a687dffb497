import os
from collections import Counter

import pytest
from PIL import Image

from cpc_keras.data.folders import list_images, natural_key, passed_over_text


@pytest.fixture
def put(tmp_path, photographs):
    """Puts an image, or a file of other content, into a folder of a tree."""
    piece = Image.fromarray(photographs[0][:20, :30])

    def put_one(name, content=None, **options):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            piece.save(path, **options)
        else:
            path.write_bytes(content)
        return path

    return put_one


def listed(put):
    return list_images(put("seen.png").parent)


def reasons(found):
    return Counter(found.passed_over.values())


def test_everything_that_pillow_decodes_is_an_image(put):
    names = ["a.tif", "b.jfif", "c.avif", "d.webp", "e.ppm", "f.jp2", "g.BMP", "h.JPG", "i.tga"]
    for name in names:
        put(name)
    assert listed(put).images == [*names, "seen.png"]


def test_a_file_without_a_telling_name_is_known_by_its_content(put):
    put("noending", format="PNG")
    put("IMG.0001", format="JPEG")
    put("picture.dat", format="TIFF")
    put("notes", content=b"not an image")
    put("caption.txt", content=b"GIF89a, or so it begins")
    put("photograph.nef", format="TIFF")  # a camera's raw data: what Pillow would find is a thumbnail
    found = listed(put)
    assert found.images == ["IMG.0001", "noending", "picture.dat", "seen.png"]
    assert reasons(found) == {"without an ending": 1, ".txt": 1, ".nef": 1}


def test_what_systems_and_programs_leave_is_passed_over(put):
    put("._seen.png", content=b"\x00\x05\x16\x07")
    for folder in (".ipynb_checkpoints", "__MACOSX", "@eaDir", "$RECYCLE.BIN", ".Trash-1000", "a/.git"):
        put(f"{folder}/1.png")
    found = listed(put)
    assert found.images == ["seen.png"]
    assert reasons(found) == {"hidden": 4, "of the operating system or a program": 3}
    assert passed_over_text(found.passed_over) == "Passed over: 4 hidden, 3 of the operating system or a program."


def test_runs_exports_and_environments_are_left_out(put):
    put("runs/demo/recipe.json", content=b"{}")
    put("runs/demo/checkpoints/step.keras", content=b"")
    put("runs/demo/report/loss.png")
    put("saved/saved_model.pb", content=b"")
    put("saved/picture.png")
    put("env/pyvenv.cfg", content=b"")
    put("env/lib/picture.png")
    found = listed(put)
    assert found.images == ["seen.png"]
    assert reasons(found) == {"a run's folder": 1, "an exported model": 1, "a virtual environment": 1}
    # Who names such a folder means it.
    assert list_images(put("runs/demo/report/loss.png").parents[1]).images == ["report/loss.png"]


def test_links_are_followed_once_and_never_in_a_circle(put, tmp_path):
    tree = put("real/1.png").parents[1]
    elsewhere = put("../elsewhere/2.png").parent
    os.symlink(elsewhere, tree / "linked")
    os.symlink(elsewhere, tree / "linked again")
    os.symlink(tree / "real", tree / "a link that is sorted before")
    os.symlink(tree, elsewhere / "back")
    os.symlink(tree / "real" / "1.png", tree / "file.png")
    os.symlink("circle", tree / "circle")
    os.symlink("nowhere.png", tree / "broken.png")
    found = listed(put)
    assert found.images == ["file.png", "linked/2.png", "real/1.png", "seen.png"]
    assert reasons(found) == {
        "link to a folder that is read already": 2,
        "link to a folder that holds this one": 1,
    }
    assert sorted((os.path.basename(bad.path), bad.reason) for bad in found.bad) == [
        ("broken.png", "is not there"),
        ("circle", "cannot be read (too many levels of symbolic links)"),
    ]


def test_what_is_no_file_is_not_waited_for(put):
    tree = put("seen.png").parent
    os.mkfifo(tree / "pipe.png")
    os.symlink("pipe.png", tree / "link.png")
    assert reasons(listed(put)) == {"neither files nor folders": 2}


def test_names_that_are_no_utf_8(put):
    path = put("seen.png")
    os.rename(path, os.path.join(os.fsencode(path.parent), b"caf\xe9.png"))
    found = list_images(path.parent)
    assert found.images == [os.fsdecode(b"caf\xe9.png")]


def test_folders_without_an_image_are_named(put):
    put("cat/1.png")
    put("empty/notes.txt", content=b"")
    put("seen.png").parent.joinpath("none").mkdir()
    assert listed(put).empty == ["empty", "none"]


def test_names_sort_by_their_numbers_whatever_they_hold():
    names = ["10", "9", "①", "2003²", "9" * 5000, "a٣", "a3b", "a12b", "a3"]
    assert sorted(names, key=natural_key) == ["9", "10", "2003²", "9" * 5000, "a3", "a3b", "a12b", "a٣", "①"]
