import pytest

from cpc_keras.errors import InputError, printable
from tests.wild_names import NAMES


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a cat, 猫, café, 😀", "a cat, 猫, café, 😀"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\tb\nc\r", r"a\tb\nc\r"),
        ("\x9b31m", r"\x9b31m"),
        ("caf\udce9", r"caf\xe9"),
        ("\ud800", r"\ud800"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("a\u2028b", r"a\u2028b"),
        ("क\u200dष", "क\u200dष"),  # a joiner, without which the word is another
        (r"C:\cats", r"C:\cats"),
    ],
)
def test_what_is_no_letter_is_escaped(text, shown):
    assert printable(text) == shown


def test_letters_can_be_kept():
    assert printable("a\tb\n", keep="\n") == "a\\tb\n"


@pytest.mark.parametrize("name", NAMES)
def test_a_message_is_one_line_that_every_terminal_takes(name):
    message = str(InputError(f"`data` must be known. Received: {name}"))
    assert len(message.splitlines()) == 1
    assert "\x1b" not in message
    message.encode()
