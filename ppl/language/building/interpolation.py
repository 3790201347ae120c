"""`{expression}` and `{expression:format}` in strings."""

from __future__ import annotations

import re
from dataclasses import replace

from lark import Token
from lark.exceptions import UnexpectedInput

from .. import nodes as n
from ..layout import EXPRESSION, tree_of
from .builder import Builder, place
from .foreign import FOREIGN

FORMAT = re.compile(r"(?:[^{}]?[<>=^])?[-+ ]?#?0?(?:[1-9][0-9]?)?[,_]?(?:\.[0-9]{1,2})?[bcdeEfFgGnosxX%]?")
COUNT = re.compile(r"\s*[0-9]+\s*(,\s*[0-9]*\s*)?|\s*,\s*[0-9]+\s*")
PIECE = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^'"\[\](){}:!=#]+|[!=]=|.""", re.S)
OPENING, CLOSING = dict(zip("([{", ")]}", strict=True)), ")]}"
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
KEYWORDS = frozenset({
    "program", "def", "model", "import", "from", "as", "if", "elif", "else", "for", "while", "in", "return", "break",
    "continue", "pass", "observe", "condition", "factor", "twist", "using", "and", "or", "not", "True", "False", "None",
    *FOREIGN,
})
"""What is no plain name in an interpolation."""
MOST = 2_000
"""Expressions in the strings of a file, plain names not counted: each is parsed by itself."""
BRACES = "write {{ and }} for braces"


def interpolated(b: Builder, t: Token, at: int, end: int) -> tuple[n.Interpolation | None, int]:
    """The interpolation that begins at this offset of a string, and where it ends; None where it is mistaken."""
    source = str(t)
    stop, mark = _end_of_expression(source, at + 1, end)
    close = source.find("}", stop, end)
    if mark is None or close < 0:
        b.error("unclosed-brace", "a '{' in a string is not closed", place(b, t, at, at + 1),
                f"{BRACES}; inside {{...}} use the other kind of quotes")
        return None, end
    span = place(b, t, at, close + 1)
    text = source[at + 1 : stop]
    if problem := _problem(text, mark, source[stop : close]):
        b.error("bad-interpolation", problem[0], span, problem[1])
        return None, close + 1
    format = source[stop + 1 : close] if mark == ":" else None
    if format is not None and not FORMAT.fullmatch(format):
        b.error("bad-format", f"'{format}' is not a format of a value", place(b, t, stop + 1, max(close, stop + 2)),
                f"write a width below 100 and a precision, as in {{x:8.2f}}; {BRACES}")
        return None, close + 1
    value = _value(b, t, at + 1, text)
    return None if value is None else n.Interpolation(span, value, format), close + 1


def _end_of_expression(source: str, at: int, end: int) -> tuple[int, str | None]:
    """Where the expression ends, and by what: "}", ":", "!", "=", "#" or None at the end of the string."""
    closers: list[str] = []
    while at < end:
        piece = PIECE.match(source, at, end)
        assert piece is not None
        text = piece[0]
        if not closers and text in ("}", ":", "!", "#"):
            return at, text
        if not closers and text == "=" and source[piece.end() : end].lstrip()[:1] in ("}", ":", "!"):
            return at, text
        if text in OPENING:
            closers.append(OPENING[text])
        elif text in CLOSING and (not closers or closers.pop() != text):
            return at, None
        at = piece.end()
    return at, None


def _problem(text: str, mark: str, rest: str) -> tuple[str, str] | None:
    if not text.strip():
        return "an empty {} in a string", BRACES
    if COUNT.fullmatch(text) and mark == "}":
        shown = f"{{{text}}}"
        return f"{shown} in a string would insert a number", f'write r"..." for a pattern, or {{{shown}}} for braces'
    if mark == "!":
        return f"there are no conversions such as {rest}", "leave it out: a value is written as text"
    if mark in "=#":
        return f"'{mark}' may not stand in {{...}}", f"only an expression and a format may; {BRACES}"
    return None


def _value(b: Builder, t: Token, at: int, text: str) -> n.Expression | None:
    """In brackets, so that it may go over several lines of a triple-quoted string."""
    from .expressions import expression

    where = place(b, t, at, at + len(text))
    if PLAIN.fullmatch(text) and text not in KEYWORDS:
        return n.Name(where, text)
    if next(b.interpolations) == MOST:
        b.error("too-long", f"more than {MOST} expressions in the strings of one file", where,
                "give values names outside the strings, or move parts into files of their own")
        return None
    try:
        tree = tree_of(f"({text})", EXPRESSION)
    except UnexpectedInput:
        b.error("bad-interpolation", f"'{' '.join(text.split())}' is not an expression", where, BRACES)
        return None
    inner = replace(b, line=where.line, column=where.column - 1)
    return expression(inner, tree)
