"""Which characters an item of a pattern matches, as ranges of code points."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import Any

Ranges = tuple[tuple[int, int], ...]
"""Sorted, disjoint, not adjacent; both ends included. No lone surrogates: no UTF-8 text has them."""

_parser: Any = importlib.import_module("re._parser")
_compiler: Any = importlib.import_module("re._compiler")
_constants: Any = importlib.import_module("re._constants")
_LITERAL, _RANGE, _NEGATE = _constants.LITERAL, _constants.RANGE, _constants.NEGATE

LAST = 0x10FFFF
_SEEN = int(re.IGNORECASE | re.ASCII | re.UNICODE | re.DOTALL)


@lru_cache(maxsize=1024)
def characters(item: Any, flags: int) -> Ranges:
    """The characters that one item of a parsed pattern matches under these flags: a literal, its negation, `.` or a
    class, in the form of `re._parser`, with lists as tuples.

    Simple items are worked out here. For all others `re` is asked about every character there is (0.02 s, once), so
    that case folding and the tables of Unicode are Python's own.
    """
    kind, value = item
    if kind is _constants.ANY:
        return complement(() if flags & re.DOTALL else ((10, 10),))
    if not flags & re.IGNORECASE:
        if kind is _LITERAL:
            return joined([(value, value)])
        if kind is _constants.NOT_LITERAL:
            return complement(joined([(value, value)]))
        if kind is _constants.IN and all(what in (_LITERAL, _RANGE, _NEGATE) for what, _ in value):
            inside = joined(v if what is _RANGE else (v, v) for what, v in value if what is not _NEGATE)
            return complement(inside) if value[0][0] is _NEGATE else inside
    elif kind is _LITERAL:
        # Whatever differs from a character in case alone has itself another case.
        return matched(item, flags, "".join(sorted({*_cased(), chr(value)})))
    return matched(item, flags, _everything())


def matched(item: Any, flags: int, universe: str) -> Ranges:
    """The characters of the universe, sorted, that `re` finds the item to match."""
    state = _parser.State()
    state.flags, state.str = flags & _SEEN, ""
    body = _parser.SubPattern(state, [_listed(item)])
    run = [(_constants.MAX_REPEAT, (1, _constants.MAXREPEAT, body))]
    found = _compiler.compile(_parser.SubPattern(state, run)).finditer(universe)
    if len(universe) < LAST // 2:
        return joined((ord(c), ord(c)) for run in found for c in run.group())
    return joined((ord(run.group()[0]), ord(run.group()[-1])) for run in found)


def joined(ranges: Iterable[Sequence[int]]) -> Ranges:
    """The union, in normal form."""
    out: list[list[int]] = []
    for a, b in sorted((a, b) for a, b in ranges):
        if out and a <= out[-1][1] + 1:
            out[-1][1] = max(out[-1][1], b)
        else:
            out.append([a, b])
    return _spelled(out)


def complement(ranges: Ranges) -> Ranges:
    out, after = [], 0
    for a, b in ranges:
        out.append([after, a - 1])
        after = b + 1
    return _spelled([*out, [after, LAST]])


def _spelled(ranges: list[list[int]]) -> Ranges:
    """Without the surrogates (U+D800 to U+DFFF) and without empty ranges. A range that goes across them stays one."""
    out = []
    for a, b in ranges:
        a = 0xE000 if 0xD800 <= a <= 0xDFFF else a
        b = 0xD7FF if 0xD800 <= b <= 0xDFFF else b
        if a <= b:
            out.append((a, b))
    return tuple(out)


def least_bytes(ranges: Ranges) -> int:
    """Bytes of the shortest of these characters in UTF-8; 0 for no characters."""
    return len(chr(ranges[0][0]).encode()) if ranges else 0


@cache
def _everything() -> str:
    return "".join(map(chr, [*range(0xD800), *range(0xE000, LAST + 1)]))


@cache
def _cased() -> frozenset[str]:
    """The characters that have another case, and what they are in lower case."""
    cased = [c for c in _everything() if c.lower() != c or c.upper() != c or c.casefold() != c]
    return frozenset(cased) | {c.lower() for c in cased if len(c.lower()) == 1}


def _listed(item: Any) -> Any:
    kind, value = item
    return (kind, list(value)) if kind is _constants.IN else item
