import pytest

from cpc_keras.errors import InputError
from cpc_keras.export.whole import appears_whole


def test_nothing_is_there_until_all_is(tmp_path):
    out = tmp_path / "new" / "out.csv"
    with appears_whole(out, folder=False) as partial:
        partial.write_text("half")
        assert not out.exists()
    assert out.read_text() == "half"
    assert list(out.parent.iterdir()) == [out]


@pytest.mark.parametrize("folder", [True, False])
def test_what_fails_leaves_the_older_one(folder, tmp_path):
    out = tmp_path / "out"
    for text in ("old", "new"):
        try:
            with appears_whole(out, folder) as partial:
                where = partial
                if folder:
                    partial.mkdir()
                    where = partial / "saved_model.pb"
                where.write_text(text)
                if text == "new":
                    raise RuntimeError
        except RuntimeError:
            pass
    assert ((out / "saved_model.pb") if folder else out).read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_an_older_folder_goes_as_a_whole(tmp_path):
    for names in (("saved_model.pb", "leftover"), ("saved_model.pb",)):
        with appears_whole(tmp_path / "out", folder=True) as partial:
            partial.mkdir()
            for name in names:
                (partial / name).write_text("")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["saved_model.pb"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_says_what_is_wrong(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(InputError, match="`DEST` must be a new folder or an older export. Received: .*file"),
        appears_whole(tmp_path / "file", folder=True),
    ):
        pass
    with (
        pytest.raises(InputError, match="`--out` must be a file. Received: .*, a folder"),
        appears_whole(tmp_path, folder=False, argument="--out"),
    ):
        pass
    with (
        pytest.raises(InputError, match="`DEST` must be a folder that can be written to. Received: .*"),
        appears_whole(tmp_path / "file" / "out", folder=True),
    ):
        pass
