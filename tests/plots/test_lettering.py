import numpy as np
import pytest
from matplotlib import font_manager

from cpc_keras.plots import lettering
from cpc_keras.plots.lettering import BASE, families, lettered, lettered_names, missing_letters
from tests.wild_names import NAMES


@pytest.fixture
def base_alone(monkeypatch):
    """A machine with matplotlib's own font alone."""
    monkeypatch.setattr(lettering, "_installed", lambda: {BASE: font_manager.findfont(BASE)})
    lettering.font_of.cache_clear()
    yield
    lettering.font_of.cache_clear()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("base_alone")
def test_a_picture_has_every_name_in_letters_of_its_font(name):
    font = font_manager.get_font(font_manager.findfont(BASE))
    text = lettered(name, 40)
    assert text and set(map(ord, text)) <= set(font.get_charmap())
    assert len(text) <= 41
    assert not text.startswith("_")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cat", "cat"),
        ("$1_$", "$1_$"),
        ("a\tb", r"a\tb"),
        ("caf\udce9", r"caf\xe9"),
        ("猫", r"\u732b"),
        ("①", "①"),  # the font has it
        ("㎏", "kg"),
        ("ｃａｔ", "cat"),  # wide forms
        ("a\U000e0067b", "ab"),
        ("n" * 100, "n" * 26 + "…" + "n" * 13),
    ],
)
@pytest.mark.usefixtures("base_alone")
def test_letters_that_no_font_has_are_written_otherwise(name, text):
    assert lettered(name) == text


def test_names_that_would_look_alike_are_numbered():
    names = ["n" * 300 + one + "n" * 300 for one in "abc"]
    assert len(set(lettered_names(names, 20))) == 3
    assert lettered_names(["cat", "dog"]) == ["cat", "dog"]


@pytest.mark.usefixtures("base_alone")
def test_missing_letters_are_said_in_one_line():
    text = missing_letters(["猫", "犬と猫", "cat", "a\tb", "㎏"])
    assert text.startswith(r"No font of this machine has 3 of the letters in names (と 犬 猫); pictures have")
    assert r"as in \u3068." in text
    assert "\n" not in text
    assert missing_letters(["cat", "$1_$", "caf\udce9", "\x1b"]) == ""


def test_a_font_that_has_the_letters_is_found(monkeypatch):
    letters = {BASE: frozenset(map(ord, "cat")), "Other Sans": frozenset(map(ord, "猫"))}
    monkeypatch.setattr(lettering, "_installed", lambda: letters)
    monkeypatch.setattr(lettering, "_letters", letters.__getitem__)
    lettering.font_of.cache_clear()
    assert families("cat 猫") == [BASE, "Other Sans"]
    assert lettered("cat猫") == "cat猫"
    assert missing_letters(["猫"]) == ""
    lettering.font_of.cache_clear()


def test_fonts_in_colour_or_of_mathematics_are_no_help():
    assert not [name for name in lettering._installed() if name.startswith(("cm", "STIX", "Last Resort"))]
    assert next(iter(lettering._installed())) == BASE
    assert np.all([lettering.font_of(letter) == BASE for letter in "aé×–…_\u200a"])
