"""Sets of characters as Python's `re` understands them, and their common refinement into atoms."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from typing import Any

Ranges = tuple[tuple[int, int], ...]
"""Code points, both ends included, in order, not touching."""

LAST = 0x10FFFF
SURROGATES = (0xD800, 0xDFFF)
"""They have no UTF-8: no text that is made of tokens holds one."""


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    out: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(high, out[-1][1]))
        else:
            out.append((low, high))
    return tuple(out)


def complement(ranges: Ranges) -> Ranges:
    out, at = [], 0
    for low, high in ranges:
        if at < low:
            out.append((at, low - 1))
        at = high + 1
    return (*out, (at, LAST)) if at <= LAST else tuple(out)


@cache
def _everything() -> str:
    return "".join(map(chr, range(LAST + 1)))


@cache
def category(escape: str, ascii_only: bool) -> Ranges:
    r"""The characters of \d, \w, \s; asked of `re` itself, so that the Unicode versions agree."""
    found = re.compile(f"{escape}+", re.ASCII if ascii_only else 0).finditer(_everything())
    return tuple((m.start(), m.end() - 1) for m in found)


@cache
def _cased() -> str:
    iscased = import_module("_sre").unicode_iscased
    return "".join(filter(lambda c: iscased(ord(c)), _everything()))


@cache
def _caseless() -> Ranges:
    return complement(merged((ord(c), ord(c)) for c in _cased()))


def ignoring_case(plain: Ranges, one: Any) -> Ranges:
    """The set that a compiled pattern of one character (with IGNORECASE) accepts; plain: what it accepts without.
    Characters that have no case are in both or in neither."""
    accepted = [(ord(c), ord(c)) for c in one.findall(_cased())]
    return merged([*intersection(plain, _caseless()), *accepted])


def intersection(a: Ranges, b: Ranges) -> Ranges:
    return complement(merged([*complement(a), *complement(b)]))


class Alphabet:
    """The coarsest partition of all characters in which each given set is a union of atoms. Sets are bit masks of
    atoms.

    ranges[a]: the characters of atom a. first_bytes[a]: the bytes that their UTF-8 can begin with, as a bit mask.
    least_bytes[a]: how long the shortest of them is.
    """

    def __init__(self, sets: Iterable[Ranges]) -> None:
        self.sets = dict.fromkeys(sets, 0)
        edges: dict[int, int] = {0: 0, SURROGATES[0]: 0, SURROGATES[1] + 1: 0}
        for i, ranges in enumerate(self.sets):
            for low, high in ranges:
                edges[low] = edges.get(low, 0) ^ 1 << i
                edges[high + 1] = edges.get(high + 1, 0) ^ 1 << i
        pieces: dict[int, list[tuple[int, int]]] = {}
        self._starts, self._atoms = [], []
        places = sorted(edge for edge in edges if edge <= LAST)
        inside, atoms = 0, dict[int, int]()
        for low, after in zip(places, [*places[1:], LAST + 1], strict=True):
            inside ^= edges[low]
            if low != SURROGATES[0]:
                self._starts.append(low)
                self._atoms.append(atoms.setdefault(inside, len(atoms)))
                pieces.setdefault(atoms[inside], []).append((low, after - 1))
        self.ranges = [merged(pieces[a]) for a in range(len(atoms))]
        self.first_bytes = [_first_bytes(ranges) for ranges in self.ranges]
        self.least_bytes = [len(chr(ranges[0][0]).encode()) for ranges in self.ranges]
        for i, ranges in enumerate(list(self.sets)):
            self.sets[ranges] = sum(1 << atom for members, atom in atoms.items() if members >> i & 1)

    def atom(self, character: str) -> int:
        """The atom of a character that is no surrogate."""
        return self._atoms[bisect_right(self._starts, ord(character)) - 1]

    def characters(self, mask: int) -> Ranges:
        return merged(r for a in bits(mask) for r in self.ranges[a])

    def bytes_of(self, mask: int) -> int:
        """The bytes that characters of these atoms can begin with, as a bit mask."""
        out = 0
        for a in bits(mask):
            out |= self.first_bytes[a]
        return out

    def shortest(self, mask: int) -> int:
        """Bytes of the shortest character of these atoms."""
        return min(self.least_bytes[a] for a in bits(mask))

    def example(self, mask: int) -> str:
        """A character of these atoms, a letter or a digit if there is one."""
        low, high = min(self.characters(mask), key=lambda r: (not chr(r[0]).isalnum(), r))
        return next((c for c in "a0A" if low <= ord(c) <= high), chr(low if low or not high else min(high, 0x20)))


def bits(mask: int) -> list[int]:
    """The numbers of the bits that are set, in order."""
    out = []
    while mask:
        low = mask & -mask
        out.append(low.bit_length() - 1)
        mask ^= low
    return out


def _first_bytes(ranges: Ranges) -> int:
    out = 0
    for low, high in ranges:
        for first, last in ((0, 0x7F), (0x80, 0x7FF), (0x800, 0xFFFF), (0x10000, LAST)):
            a, b = max(low, first), min(high, last)
            if a <= b:
                # A block without surrogates: the lead byte grows with the code point.
                lead_a, lead_b = _lead(a), _lead(b)
                out |= (1 << lead_b + 1) - (1 << lead_a)
    return out


def _lead(code: int) -> int:
    if code < 0x80:
        return code
    if code < 0x800:
        return 0xC0 | code >> 6
    return 0xE0 | code >> 12 if code < 0x10000 else 0xF0 | code >> 18
