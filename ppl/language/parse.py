"""`parse`: from source text to the syntax tree."""

from __future__ import annotations

from lark.exceptions import UnexpectedToken

from .building import Builder, file
from .comments import comments_of
from .diagnostics import Diagnostic, SteerError
from .layout import FILE, tree_of
from .nodes import File, Span


def parse(source: str, path: str = "<text>") -> File:
    """The syntax tree of a .steer file. Raises SteerError with every syntax error that is found."""
    text = source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    b = Builder(path, text.split("\n"))
    try:
        tree = tree_of(text if text.endswith("\n") else text + "\n", FILE)
    except UnexpectedToken as e:
        span = Span(e.line, e.column, e.line, e.column + max(1, len(str(e.token))))
        raise SteerError([Diagnostic("syntax", f"unexpected {e.token!r}", path, span, b.lines[e.line - 1])]) from None
    built = file(b, tree, text, comments_of(text))
    if b.found:
        raise SteerError(b.found)
    return built
