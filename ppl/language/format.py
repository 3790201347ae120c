"""`format_source`: a .steer file in the one style."""

from __future__ import annotations

from .formatting import Printer
from .nodes import File
from .parse import parse


def format_source(source: str, path: str = "<text>") -> str:
    """The same program with the same comments: 4 spaces, double quotes where they change nothing, lists broken at 100
    columns, parentheses only where they are needed. Formatting twice changes nothing more. Raises SteerError where the
    source has a syntax error."""
    return format_file(parse(source, path))


def format_file(file: File) -> str:
    """The text of a syntax tree; blank lines and comments are those of its source."""
    return Printer(file).text()
