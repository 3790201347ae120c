"""`Failure`: where the parser stopped, and what stands around."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from lark import Token
from lark.exceptions import UnexpectedToken

from ..layout import FILE, Layout, parser
from ..nodes import Span

LAYOUT = {"_NEWLINE", "_INDENT", "_DEDENT", "BAD_DEDENT", "BAD_TAB"}
HEADERS = {"IF", "ELIF", "ELSE", "FOR", "WHILE", "PROGRAM", "DEF"}
CLOSER = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}


class Finding(NamedTuple):
    """A mistake. patched: the text without it, in which everything else keeps its line and, as far as possible, its
    column, so that the search for mistakes can go on; None ends it."""

    code: str
    message: str
    span: Span
    hint: str | None
    patched: str | None


@dataclass
class Failure:
    """token: the first that no rule accepts there. line: those before it in its statement; rest: those after it, up to
    the end of the line. accepts: the types of tokens that could stand there. brackets: those still open."""

    text: str
    token: Token
    line: list[Token]
    rest: list[Token]
    accepts: set[str]
    brackets: list[Token]
    header: Token | None

    @property
    def kind(self) -> str:
        return self.token.type

    @property
    def first(self) -> Token:
        return self.line[0] if self.line else self.token

    @property
    def prev(self) -> Token | None:
        return self.line[-1] if self.line else None

    @property
    def next(self) -> Token | None:
        return self.rest[0] if self.rest else None

    @property
    def top(self) -> bool:
        """Whether the statement is not indented."""
        return self.first.column == 1

    @property
    def at_end(self) -> bool:
        return self.kind in ("_NEWLINE", "$END")

    def types(self) -> list[str]:
        return [t.type for t in self.line]

    def span(self, first: Token | None = None, last: Token | None = None) -> Span:
        """Of these tokens, or of the one that failed; of a line end, the place after what stands before it."""
        first = first or self.token
        if (first.type in LAYOUT or first.type == "$END") and self.prev is not None and first is self.token:
            line, column = self.prev.end_line or 1, self.prev.end_column or 1
            return Span(line, column, line, column + 1)
        last = last or first
        line, column = first.line or 1, first.column or 1
        return Span(line, column, last.end_line or line, max(last.end_column or 0, column + (last.end_line == line)))

    def cut(self, start: int, stop: int, new: str = "") -> str:
        """The text with these characters replaced: by `new`, then blanks up to the old length."""
        old = self.text[start:stop]
        blank = "".join("\n" if c == "\n" else " " for c in old[len(new) :])
        return self.text[:start] + new + blank + self.text[stop:]

    def cut_tokens(self, first: Token, last: Token, new: str = "") -> str:
        return self.cut(_start(first), _end(last), new)

    def cut_line(self) -> str:
        """The text without this statement; where a block follows it, it keeps a head that means nothing."""
        start = _start(self.first)
        last = self.rest[-1] if self.rest else self.token
        stop = _start(last) if last.type in LAYOUT or last.type == "$END" else _end(last)
        if last.type == "UNCLOSED":
            stop = _line_end(self.text, _start(last))
        stop = max(stop, start)
        after = self.text[_line_end(self.text, stop) :].lstrip("\n").split("\n", 1)[0]
        indent = len(after) - len(after.lstrip(" \t"))
        column = (self.first.column or 1) - 1
        head = indent > column and bool(after.strip())
        if self.top:
            new = "def _():" if head else ""
        elif str(self.first) in ("elif", "else", "except", "finally", "case"):
            new = "elif 0:" if head else "elif 0: pass"
        else:
            new = "if 0:" if head else "pass"
        return self.cut(start, stop, new)


def attempt(text: str) -> Failure | None:
    """None where the text can be parsed as a file."""
    session = parser().parse_interactive(text, start=FILE)
    line: list[Token] = []
    brackets: list[Token] = []
    header: Token | None = None
    stream = session.lexer_thread.lex(session.parser_state)
    last: Token | None = None
    try:
        for token in stream:
            session.feed_token(token)
            last = token
            if token.type in LAYOUT:
                if line:
                    header = line[0]
                line = []
            else:
                line.append(token)
            if token.type in CLOSER:
                brackets.append(token)
            elif token.type in CLOSER.values():
                brackets.pop()
        session.feed_eof(last)
    except UnexpectedToken as e:
        rest = []
        for later in stream:
            if later.type == "_NEWLINE" or e.token.type in ("_NEWLINE", "$END"):
                break
            rest.append(later)
        return Failure(text, e.token, line, rest, session.accepts(), brackets, header)
    return None


def _start(t: Token) -> int:
    return t.start_pos or 0


def _end(t: Token) -> int:
    return t.end_pos or 0


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


__all__ = ["CLOSER", "HEADERS", "LAYOUT", "Failure", "Finding", "Layout", "attempt"]
