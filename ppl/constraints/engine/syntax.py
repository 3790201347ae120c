"""Pieces of the engine's grammar syntax."""

from __future__ import annotations

from collections.abc import Iterable

EMPTY = '""'
NOTHING = "(/a/ & /b/)"
"""A terminal expression that no text matches."""


def quoted(text: str) -> str:
    """A string of the engine that stands for exactly this text, which has no lone surrogates."""
    plain = [c if c.isalnum() or ord(c) > 0x9F else f"\\u{ord(c):04x}" for c in text]
    return f'"{"".join(plain)}"'


def times(atom: str, least: int, most: int | None) -> str:
    """An atom, at least and at most so many times (None: any number), as an atom."""
    if most == 0:
        return EMPTY
    if (least, most) == (1, 1):
        return atom
    count = f"{{{least},{'' if most is None else most}}}"
    sign = {(0, 1): "?", (0, None): "*", (1, None): "+"}.get((least, most))
    return f"({atom}{sign or count})"


def one_of(ranges: Iterable[tuple[int, int]]) -> str:
    """One character out of these ranges of code points (both ends included)."""
    spelled = [f"\\x{{{a:X}}}" if a == b else f"\\x{{{a:X}}}-\\x{{{b:X}}}" for a, b in ranges]
    return f"/[{''.join(spelled)}]/" if spelled else NOTHING
