"""`Builder`: where a piece of source stands, and the mistakes found in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from lark import Token, Tree
from lark.tree import Meta

from ..diagnostics import Diagnostic
from ..nodes import Name, Node, Span
from ..source import misnamed

MOST = 30
"""Mistakes that are reported of a file."""
Piece = Tree[Token] | Token | None


@dataclass
class Builder:
    """Turns one piece of source into nodes. line, column: where its first character stands in the file, when the piece
    is an interpolated expression. found: mistakes that the grammar lets pass. depth, blocks: how deeply what is being
    built is nested in expressions and in blocks."""

    path: str
    lines: list[str]
    line: int = 1
    column: int = 1
    depth: int = 0
    blocks: int = 0
    found: list[Diagnostic] = field(default_factory=list)
    interpolations: Iterator[int] = field(default_factory=count)
    """Counts those of the file that had to be parsed."""

    def span(self, piece: Tree[Token] | Token) -> Span:
        m: Meta | Token = piece if isinstance(piece, Token) else piece.meta
        line, column, end, end_column = m.line or 1, m.column or 1, m.end_line or 1, m.end_column or 1
        aside = self.column - 1
        return Span(
            line + self.line - 1, column + (aside if line == 1 else 0),
            end + self.line - 1, end_column + (aside if end == 1 else 0),
        )

    def error(self, code: str, message: str, span: Span, hint: str) -> None:
        if len(self.found) == MOST:
            return
        text = self.lines[span.line - 1] if span.line <= len(self.lines) else ""
        self.found.append(Diagnostic(code, message, self.path, span, text, hint))

    def name(self, token: Token) -> Name:
        return Name(self.span(token), self.word(token))

    def word(self, token: Token) -> str:
        """The text of a name; an error where Python would read it as another."""
        plain = misnamed(str(token))
        if plain is not None:
            self.error("strange-name", f"'{token}' is not a name", self.span(token),
                       f"write {plain}" if plain else "names consist of letters, digits and _")
        return str(token)


def tree(piece: Piece) -> Tree[Token]:
    assert isinstance(piece, Tree)
    return piece


def token(piece: Piece) -> Token:
    assert isinstance(piece, Token)
    return piece


def joined(first: Node, last: Node | Span) -> Span:
    """From the beginning of the one to the end of the other."""
    end = last if isinstance(last, Span) else last.span
    return Span(first.span.line, first.span.column, end.end_line, end.end_column)


def place(b: Builder, t: Token, start: int, stop: int) -> Span:
    """Where the characters from start to stop of a token stand."""
    at = b.span(t)
    first, last = _point(at, str(t), start), _point(at, str(t), stop)
    return Span(*first, *last)


def _point(at: Span, text: str, offset: int) -> tuple[int, int]:
    rows = text.count("\n", 0, offset)
    if rows == 0:
        return at.line, at.column + offset
    return at.line + rows, offset - text.rfind("\n", 0, offset)
