"""Documents: text with places where a line may be broken, and how they are laid out.

The algorithm is that of Wadler, "A prettier printer" (2003), in the form of Lindig, "Strictly pretty" (2000): a group
is written in one line where it fits, else all of its own breaks become line ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

INDENT = 4


@dataclass(frozen=True, slots=True)
class Break:
    """A line end in a broken group, else `flat`. hard: always a line end, in every group around it."""

    flat: str = ""
    hard: bool = False


@dataclass(frozen=True, slots=True)
class Either:
    """What is written in a broken group, and what in one that fits."""

    broken: str
    flat: str = ""


@dataclass(frozen=True, slots=True)
class Nest:
    parts: tuple[Document, ...]
    hard: bool


@dataclass(frozen=True, slots=True)
class Group:
    parts: tuple[Document, ...]
    hard: bool


@dataclass(frozen=True, slots=True)
class Row:
    parts: tuple[Document, ...]
    hard: bool


Document = str | Break | Either | Nest | Group | Row

SOFT, LINE, HARD = Break(), Break(" "), Break(hard=True)


def row(*parts: Document) -> Row:
    return Row(parts, _hard(parts))


def group(*parts: Document) -> Group:
    return Group(parts, _hard(parts))


def nest(*parts: Document) -> Nest:
    return Nest(parts, _hard(parts))


def _hard(parts: Iterable[Document]) -> bool:
    return any(not isinstance(p, str | Either) and p.hard for p in parts)


Item = tuple[int, bool, Document]
"""Indentation, whether the group around is flat, and what is to be written."""


def laid_out(document: Document, indent: int, width: int) -> str:
    """The text from the current line's indentation on, with trailing blanks removed at every break."""
    out: list[str] = []
    column = indent
    stack: list[Item] = [(indent, False, document)]
    while stack:
        level, flat, part = stack.pop()
        if isinstance(part, str):
            out.append(part)
            column = column + len(part) if "\n" not in part else len(part) - part.rfind("\n") - 1
        elif isinstance(part, Either):
            out.append(part.flat if flat else part.broken)
            column += len(out[-1])
        elif isinstance(part, Break):
            if flat and not part.hard:
                out.append(part.flat)
                column += len(part.flat)
            else:
                if out:
                    out[-1] = out[-1].rstrip(" ")
                out.append("\n" + " " * level)
                column = level
        elif isinstance(part, Group):
            fits = flat or (not part.hard and _fits(part, width - column, stack))
            stack += [(level, fits, p) for p in reversed(part.parts)]
        else:
            deeper = level + INDENT if isinstance(part, Nest) else level
            stack += [(deeper, flat, p) for p in reversed(part.parts)]
    return "".join(out)


def _fits(part: Document, room: int, after: list[Item]) -> bool:
    """Whether the part, and what follows it up to the first possible line end, fits into the room when flat."""
    rest = len(after)
    stack: list[Item] = [(0, True, part)]
    while room >= 0:
        if not stack:
            if rest == 0:
                return True
            rest -= 1
            stack.append(after[rest])
        _, flat, p = stack.pop()
        if isinstance(p, str):
            if "\n" in p:
                return room >= p.index("\n")
            room -= len(p)
        elif isinstance(p, Either):
            room -= len(p.flat if flat else p.broken)
        elif isinstance(p, Break):
            if p.hard or not flat:
                return True
            room -= len(p.flat)
        else:
            inner = flat or (isinstance(p, Group) and not p.hard and rest == len(after))
            stack += [(0, inner, q) for q in reversed(p.parts)]
    return False
