"""All syntax errors of a file: block by block, each mistake patched so that those after it show."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lark import Token, Tree

from ..building import Builder, file
from ..building.builder import MOST
from ..comments import TOKEN
from ..diagnostics import Diagnostic
from ..nodes import Span
from .explain import explain
from .failure import Failure, Finding, attempt

PER_BLOCK = 20
LARGE = 50_000
"""Characters; of a larger block only the first error is looked for."""
ONCE = {"outside-program"}
BEGINS = re.compile(r"(?!(else|elif|except|finally)\b)[^\W\d]|@")
FENCE = re.compile(r"(?m)^[ \t]*```[^\n]*$")


def syntax_errors(text: str, path: str) -> list[Diagnostic]:
    """At least one for a text that does not parse. text: ends with a line end."""
    b = Builder(path, text.split("\n"))
    text, fences = _unfenced(text)
    for f in fences:
        b.error(f.code, f.message, f.span, f.hint)
    mistaken = 0
    for start, stop in _blocks(text):
        mistaken += _search(b, text, start, stop)
        if mistaken == MOST or len(b.found) >= MOST:
            break
    if not b.found and isinstance(failure := attempt(text), Failure):
        f = explain(failure)
        b.error(f.code, f.message, f.span, f.hint)
    return b.found[:MOST]


def _search(b: Builder, text: str, start: int, stop: int) -> bool:
    """Whether the block does not parse. Line ends stand for what is before it, so that its lines keep their numbers."""
    block = "\n" * text.count("\n", 0, start) + text[start:stop]
    places: set[tuple[int, int]] = set()
    for _ in range(PER_BLOCK):
        failure = attempt(block)
        if isinstance(failure, Tree):
            _build(b, failure, block.split("\n"))
            break
        f = explain(failure)
        place = f.span.line, f.span.column
        if place in places:
            break
        places.add(place)
        shifted = len(block.split("\n")[f.span.line - 1]) != len(b.lines[f.span.line - 1])  # by an earlier patch
        if not shifted and (f.code not in ONCE or all(d.code != f.code for d in b.found)):
            b.error(f.code, f.message, f.span, f.hint)
        if f.patched is None or f.patched == block or len(block) > LARGE:
            break
        block = f.patched
    return bool(places)


def _build(b: Builder, tree: Tree[Token], lines: list[str]) -> None:
    """What only the building of nodes finds, on lines that were not patched."""
    built = Builder(b.path, b.lines)
    file(built, tree, "", ())
    b.found += [d for d in built.found if d.line == lines[d.span.line - 1]]


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Begin and end of what stands at the top level: each unindented line outside strings that begins with a word."""
    ends = (m.end() for m in TOKEN.finditer(text) if m[0] == "\n")
    starts = [0, *(at for at in ends if BEGINS.match(text, at))]
    yield from zip(starts, [*starts[1:], len(text)], strict=True)


def _unfenced(text: str) -> tuple[str, list[Finding]]:
    """Without the lines of a Markdown fence, and without the prose around it."""
    inside = [m.span() for m in TOKEN.finditer(text) if m[0][:3] in ('"""', "'''")]
    fences = [m for m in FENCE.finditer(text)
              if not any(a < m.start() < b for a, b in inside)]
    if not fences:
        return text, []
    first, last = fences[0], fences[-1]
    row = text.count("\n", 0, first.start()) + 1
    column = len(first[0]) - len(first[0].lstrip()) + 1
    finding = Finding("markdown", "a Markdown fence is no part of a program",
                      Span(row, column, row, len(first[0]) + 1), "give only the lines between the fences", None)
    if last is not first:
        return "\n" * (row - 1) + text[first.end() : last.start()], [finding]
    if text[: first.start()].strip():
        return text[: first.start()], [finding]
    return "\n" * (row - 1) + text[first.end() :], [finding]
