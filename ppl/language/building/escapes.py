"""Escapes in strings: those of Python."""

from __future__ import annotations

import re
import unicodedata

from lark import Token

from .builder import Builder, place

SIMPLE = {"\n": "", "\\": "\\", "'": "'", '"': '"', "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t",
          "v": "\v"}
CODED = re.compile(r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|N\{([A-Za-z0-9 -]+)\})")


def unescaped(b: Builder, t: Token, at: int) -> tuple[str, int]:
    """What the escape at this offset of a string stands for, and where it ends."""
    source = str(t)
    letter = source[at + 1]
    if letter in SIMPLE:
        return SIMPLE[letter], at + 2
    coded = CODED.match(source, at)
    if coded is None:
        b.error("bad-escape", f"unknown escape \\{letter} in a string", place(b, t, at, at + 2),
                f'write \\\\ for a backslash, or r"..." for a pattern such as r"\\{letter}"')
        return "", at + 2
    text = _character(coded)
    if text is None:
        b.error("bad-escape", f"{coded[0]} is no character", place(b, t, at, coded.end()),
                "write the character itself, or its number as \\u00e9")
    return text or "", coded.end()


def _character(coded: re.Match[str]) -> str | None:
    octal, two, four, eight, name = coded.groups()
    if name is not None:
        try:
            return unicodedata.lookup(name)
        except KeyError:
            return None
    code = int(octal, 8) if octal is not None else int(two or four or eight, 16)
    return None if code > 0x10FFFF or 0xD800 <= code < 0xE000 else chr(code)
