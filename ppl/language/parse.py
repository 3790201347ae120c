"""`parse`: from source text to the syntax tree."""

from __future__ import annotations

from lark.exceptions import UnexpectedToken

from .building import Builder, file
from .comments import comments_of
from .diagnostics import SteerError
from .layout import FILE, tree_of
from .mistakes import syntax_errors
from .nodes import File
from .source import normalised


def parse(source: str, path: str = "<text>") -> File:
    """The syntax tree of a .steer file. Raises SteerError with every syntax error that can be found: one in each
    statement, in every block."""
    text = normalised(source, path)
    ended = text if text.endswith("\n") else text + "\n"
    b = Builder(path, text.split("\n"))
    try:
        tree = tree_of(ended, FILE)
    except UnexpectedToken:
        raise SteerError(syntax_errors(ended, path)) from None
    built = file(b, tree, text, comments_of(text))
    if b.found:
        raise SteerError(b.found)
    return built
