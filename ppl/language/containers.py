"""Lists and dicts of the language. They are never changed, and know their size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from .limits import Limits
from .problems import OverLimit

DEPTH = 60
"""How deeply lists and dicts may be nested."""


class Size(NamedTuple):
    """Of a list or dict with all that is in it: entries, characters, levels."""

    items: int
    characters: int
    depth: int


class Items(list[Any]):
    """A list of the language: it is never changed, and knows its size, so that no operation need look inside."""

    __slots__ = ("size",)
    size: Size

    def __reduce__(self) -> Any:
        return list, (list(self),)


class Table(dict[Any, Any]):
    """A dict of the language, never changed."""

    __slots__ = ("size",)
    size: Size

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


def items(values: Iterable[Any], limits: Limits) -> Items:
    """Raises OverLimit."""
    made = Items(values)
    made.size = checked(total(made), limits)
    return made


def joined(a: Items, b: Items, limits: Limits) -> Items:
    """a + b, without looking at what is in them."""
    (n, c, d), (m, e, f) = a.size, b.size
    size = checked(Size(n + m, c + e, max(d, f)), limits)
    made = Items(a)
    made.extend(b)
    made.size = size
    return made


def total(values: Iterable[Any]) -> Size:
    """The size of a list of these values."""
    n = characters = depth = 0
    for value in values:
        n += 1
        kind = type(value)
        if kind is Items or kind is Table:
            size = value.size
            n, characters = n + size[0], characters + size[1]
            if size[2] > depth:
                depth = size[2]
        elif kind is int:
            characters += value.bit_length() >> 2 if value > 1 << 64 or value < -1 << 64 else 0
        elif isinstance(value, str):
            characters += len(value)
    return Size(n, characters, depth + 1)


def checked(size: Size, limits: Limits) -> Size:
    """Raises OverLimit."""
    if size.items > limits.items:
        raise OverLimit("items", limits.items, f"a list of {size.items:,} items is too long")
    if size.characters > limits.string:
        raise OverLimit("string", limits.string, f"a list of texts with {size.characters:,} characters is too large")
    if size.depth > DEPTH:
        raise OverLimit("nesting", DEPTH, "lists are nested too deeply")
    return size
