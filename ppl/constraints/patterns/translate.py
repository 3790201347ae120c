"""A pattern of Python's `re` as a terminal of the grammar engine."""

from __future__ import annotations

import importlib
import re
from functools import lru_cache
from typing import Any, NamedTuple

from ..engine.syntax import EMPTY, one_of, quoted, times
from ..errors import BadSource
from .classes import Ranges, characters, joined, least_bytes
from .refuse import refuse

_parser: Any = importlib.import_module("re._parser")
_c: Any = importlib.import_module("re._constants")

_REFUSED = {
    _c.ASSERT: "lookaround", _c.ASSERT_NOT: "lookaround", _c.FAILURE: "lookaround", _c.GROUPREF: "backreference",
    _c.GROUPREF_EXISTS: "conditional group", _c.ATOMIC_GROUP: "atomic group",
    _c.POSSESSIVE_REPEAT: "possessive quantifier",
}
_SINGLE = (_c.LITERAL, _c.NOT_LITERAL, _c.ANY, _c.IN)
_HEADS = (_c.AT_BEGINNING, _c.AT_BEGINNING_STRING)
_TAILS = (_c.AT_END, _c.AT_END_STRING)
_MANY = 8  # ranges from which on a class gets a name, so that it is written once


class Translated(NamedTuple):
    """expression: an atom that uses the named classes. classes: one atom for each name. least_bytes: as it says."""

    expression: str
    classes: tuple[tuple[str, str], ...]
    least_bytes: int


@lru_cache(maxsize=256)
def translate(pattern: str, flags: int, prefix: str) -> Translated:
    """The language {text : re.fullmatch(pattern, text, flags)}; names of classes begin with the prefix, in upper case.

    Raises BadSource with the place of a mistake, or of what no regular language has.
    """
    try:
        parsed = _parser.parse(pattern, flags)
    except re.error as error:
        raise BadSource("regex", error.msg, pattern, error.lineno, error.colno) from None
    except (OverflowError, RecursionError, ValueError) as error:
        raise BadSource("regex", str(error), pattern) from None
    writer = _Writer(pattern, parsed.state.flags, prefix)
    expression, least = writer.sequence(parsed, parsed.state.flags, True, True)
    return Translated(expression, tuple((name, atom) for atom, name in writer.names.items()), least)


class _Writer:
    """head, tail: whether the beginning (end) of what is written is the beginning (end) of the text."""

    def __init__(self, pattern: str, flags: int, prefix: str) -> None:
        self.pattern, self.flags, self.prefix = pattern, flags, prefix
        self.names: dict[str, str] = {}
        self.anchors = 0

    def sequence(self, items: Any, flags: int, head: bool, tail: bool) -> tuple[str, int]:
        written: list[str] = []
        least, literal = 0, ""
        items = list(items)
        # Anchors at the ends match nothing themselves, so that the end of what is before them is an end as well.
        begin = next((i for i, (kind, at) in enumerate(items) if kind is not _c.AT or at not in _HEADS), len(items))
        end = next((i for i in range(len(items), 0, -1) if items[i - 1][0] is not _c.AT
                    or items[i - 1][1] not in _TAILS), 0)
        for i, (kind, value) in enumerate(items):
            if kind is _c.LITERAL and not flags & re.IGNORECASE and not 0xD800 <= value <= 0xDFFF:
                literal += chr(value)
                least += len(chr(value).encode())
                continue
            if literal:
                written.append(quoted(literal))
                literal = ""
            atom, shortest = self.item(kind, value, flags, head and i <= begin, tail and i >= end - 1)
            if atom != EMPTY:
                written.append(atom)
                least += shortest
        if literal:
            written.append(quoted(literal))
        if not written:
            return EMPTY, 0
        return written[0] if len(written) == 1 else f"({' '.join(written)})", least

    def item(self, kind: Any, value: Any, flags: int, head: bool, tail: bool) -> tuple[str, int]:
        """An atom, and the bytes of its shortest text."""
        if kind is _c.SUBPATTERN:
            _, add, remove, inside = value
            return self.sequence(inside, _combined(flags, add, remove), head, tail)
        if kind is _c.BRANCH:
            return self.branches([(branch, flags) for branch in value[1]], head, tail)
        if kind in (_c.MAX_REPEAT, _c.MIN_REPEAT):
            low, high, inside = value
            atom, least = self.sequence(inside, flags, False, False)
            return times(atom, low, None if high == _c.MAXREPEAT else int(high)), low * least
        if kind is _c.AT:
            return self.anchor(value, head, tail)
        if kind in _REFUSED:
            refuse(_REFUSED[kind], self.pattern, self.flags)
        return self.one_of(_characters(kind, value, flags))

    def branches(self, branches: list[tuple[Any, int]], head: bool, tail: bool) -> tuple[str, int]:
        """Alternatives, each with its flags. Those of one character become one class: the engine panics at an
        alternative that repeats a class, one level further in, beside another character of the same first byte.
        """
        written, singles = [], joined([])
        while branches:
            (items, flags), *branches = branches
            kind, value = _only(items)
            if kind is _c.SUBPATTERN:
                branches = [(value[3], _combined(flags, value[1], value[2])), *branches]
            elif kind is _c.BRANCH:
                branches = [*[(branch, flags) for branch in value[1]], *branches]
            elif kind in _SINGLE:
                singles = joined([*singles, *_characters(kind, value, flags)])
            else:
                written.append(self.sequence(items, flags, head, tail))
        if singles or not written:
            written.append(self.one_of(singles))
        if len(written) == 1:
            return written[0]
        return f"({' | '.join(atom for atom, _ in written)})", min(least for _, least in written)

    def one_of(self, found: Ranges) -> tuple[str, int]:
        """One of these characters."""
        atom = one_of(found)
        if len(found) >= _MANY:
            atom = self.names.setdefault(atom, f"{self.prefix.upper()}_C{len(self.names)}")
        return atom, least_bytes(found)

    def anchor(self, where: Any, head: bool, tail: bool) -> tuple[str, int]:
        """An anchor at an end of the text asks nothing: the whole text is matched."""
        if where in (_c.AT_BOUNDARY, _c.AT_NON_BOUNDARY):
            refuse("word boundary", self.pattern, self.flags)
        if not (where in _HEADS and head) and not (where in _TAILS and tail):
            refuse("anchor", self.pattern, self.flags, self.anchors)
        self.anchors += 1
        return EMPTY, 0


def _only(items: Any) -> tuple[Any, Any]:
    """The only item of a sequence, as (kind, value)."""
    kind, value = items[0] if len(items) == 1 else (None, None)
    return kind, value


def _characters(kind: Any, value: Any, flags: int) -> Ranges:
    return characters((kind, tuple(value) if kind is _c.IN else value), flags & ~(re.MULTILINE | re.VERBOSE))


def _combined(flags: int, add: int, remove: int) -> int:
    """The flags inside of ``(?add-remove:...)``; a, L and u exclude each other."""
    if add & (re.ASCII | re.LOCALE | re.UNICODE):
        flags &= ~(re.ASCII | re.LOCALE | re.UNICODE)
    return (flags | add) & ~remove


