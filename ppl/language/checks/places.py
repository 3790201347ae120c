"""Where a character of a string's value stands in the source of its literal."""

from __future__ import annotations

import re

from .. import nodes
from ..nodes import Span

_ESCAPE = re.compile(r"\\(?:\n|[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]*\}|[\s\S])")


def place_in(node: nodes.Expression, line: int | None, column: int | None) -> Span:
    """The place of the character at (line, column), both from 1, of a string's value. The whole expression where it is
    no plain literal, or the place is not known."""
    if not isinstance(node, nodes.String) or line is None or any(not isinstance(p, str) for p in node.parts):
        return node.span
    offsets = _offsets(node)
    value = "".join(p for p in node.parts if isinstance(p, str))
    if len(offsets) != len(value) + 1:
        return node.span
    rows = value.splitlines(keepends=True)
    index = sum(map(len, rows[: line - 1])) + (column or 1) - 1
    at = offsets[min(index, len(value))]
    first = _point(node, at)
    last = _point(node, offsets[min(index + 1, len(value))])
    return Span(*first, *(last if last > first and last[0] == first[0] else (first[0], first[1] + 1)))


def _offsets(node: nodes.String) -> list[int]:
    """Where each character of the value begins in the source, and where the last one ends."""
    source = node.source
    raw = source[:1] in ("r", "R")
    width = 3 if source[raw : raw + 3] in ('"""', "'''") else 1
    at, end = raw + width, len(source) - width
    if raw or node.verbatim:
        return list(range(at, end + 1))
    offsets = []
    while at < end:
        escape = _ESCAPE.match(source, at, end) if source[at] == "\\" else None
        if escape is None:
            offsets.append(at)
            at += 2 if source[at : at + 2] in ("{{", "}}") else 1
        else:
            if escape[0] != "\\\n":  # a joined line is no character
                offsets.append(at)
            at = escape.end()
    return [*offsets, end]


def _point(node: nodes.String, offset: int) -> tuple[int, int]:
    before = node.source[:offset]
    rows = before.count("\n")
    if rows == 0:
        return node.span.line, node.span.column + offset
    return node.span.line + rows, offset - before.rfind("\n")
