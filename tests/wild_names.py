"""Names that somebody's folder has, each of which is code somewhere."""

import os

# As a file system holds them; the last one is no UTF-8.
WILD = (
    b"$1_$",
    b"_hidden",
    b"=1+1",
    "猫".encode(),
    b"<b>x<b>",
    b"[red]x[\\red]",
    b"a\tb",
    b"\x1b[31mred",
    b"a|b `c` *d*",
    "\u202egnp".encode(),
    b"n" * 200,
    b"caf\xe9",
)
NAMES = tuple(map(os.fsdecode, WILD))
