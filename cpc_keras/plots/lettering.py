"""Names in pictures: in letters that a font has, distinct, and short enough."""

import functools
import itertools
import unicodedata
from collections import Counter

from matplotlib import font_manager

from cpc_keras.errors import printable

# It comes with matplotlib.
BASE = "DejaVu Sans"
# Families that have signs of mathematics only, boxes for all letters, or pictures in colour, which matplotlib has not.
_UNFIT = ("cm", "STIX", "Last Resort")
# Before an underscore, with which labels begin that matplotlib leaves out of legends.
_HAIR = "\u200a"


def lettered(name, most=40):
    r"""A name as a picture has it: what no font has is written otherwise, what is too long loses its middle.

    Args:
        name: Any text.
        most: Letters that it may take; those of Chinese, say, count twice.

    Example:

    >>> lettered("_hidden", 5)[1:], lettered("\tcat"), lettered("$1_$")
    ('_h…en', '\\tcat', '$1_$')
    """
    letters = [one if font_of(one) else _otherwise(one) for one in printable(name)]
    if sum(map(_width, letters)) > most:
        head = 2 * (most - 1) // 3
        tail = _first(letters[::-1], most - 1 - head)[::-1]
        letters = [*_first(letters, head), "…", *tail]
    text = "".join(letters)
    return f"{_HAIR}{text}" if text.startswith("_") else text


def lettered_names(names, most=40):
    """Names of classes as a picture has them; those that would look alike have their numbers behind them.

    Example:

    >>> lettered_names(["a cat in the sun", "a cat at the sun", "dog"], 8)
    ['a ca…sun (0)', 'a ca…sun (1)', 'dog']
    """
    texts = [lettered(name, most) for name in names]
    alike = Counter(texts)
    return [f"{text} ({number})" if alike[text] > 1 else text for number, text in enumerate(texts)]


def missing_letters(names):
    """What to say, once, of letters that pictures have not; nothing where there are none.

    Args:
        names: Texts that pictures have.
    """
    missing = sorted({one for name in names for one in printable(name) if not font_of(one) and "\\" in _otherwise(one)})
    if not missing:
        return ""
    shown = " ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
    return (
        f"No font of this machine has {len(missing)} of the letters in names ({shown}); pictures have their numbers, "
        f"as in {_otherwise(missing[0])}. A font that has them, such as one of Google's Noto, mends that."
    )


def families(text):
    """Families of fonts that together have the letters of a text, the usual one first."""
    return list(dict.fromkeys([BASE, *filter(None, map(font_of, dict.fromkeys(text)))]))


@functools.cache
def font_of(letter):
    """The family of an installed font that has a letter, or `None`."""
    return next((family for family in _installed() if ord(letter) in _letters(family)), None)


def _otherwise(letter):
    """A letter that no font has, in letters that one has: taken apart, left out if it has no shape, or its number."""
    apart = unicodedata.normalize("NFKD", letter)
    if apart != letter and all(map(font_of, apart)):
        return apart
    shapeless = unicodedata.category(letter) == "Cf" or "\ufe00" <= letter <= "\ufe0f"
    return "" if shapeless else letter.encode("unicode_escape").decode()


def _width(letters):
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in letters)


def _first(letters, width):
    """Those that take no more than a width."""
    reach = itertools.accumulate(map(_width, letters))
    return [one for one, end in zip(letters, reach, strict=True) if end <= width]


@functools.cache
def _installed():
    """Dictionary from families of installed fonts to the file of the usual one, those without serifs before others."""
    usual = [font for font in font_manager.fontManager.ttflist if (font.style, font.weight) == ("normal", 400)]
    files = {font.name: font.fname for font in usual if font.stretch == "normal"}
    fit = [name for name in files if not name.startswith(_UNFIT) and "Color" not in name]
    fit.sort(key=lambda name: (name != BASE, "Sans" not in name and "Gothic" not in name, name))
    return {name: files[name] for name in fit}


@functools.cache
def _letters(family):
    """Numbers of the letters that a family has."""
    try:
        font = font_manager.get_font(_installed()[family])
    except (OSError, RuntimeError):  # gone since the list was made, or damaged
        return frozenset()
    return frozenset(font.get_charmap()) if font.scalable else frozenset()
