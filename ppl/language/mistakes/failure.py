"""`Failure`: where the parser stopped, and what stands around."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from lark import Token, Tree
from lark.exceptions import UnexpectedToken

from ..layout import FILE, parser
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
    hint: str
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
    def last(self) -> Token:
        """The last token of its line, or of the statement."""
        if self.at_end and self.prev is not None:
            return self.prev
        line = self.token.line
        return next((t for t in reversed(self.rest) if t.line == line and t.type not in LAYOUT), self.token)

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
        """The text with these characters replaced: by `new`, then blanks up to the old length, and as many lines."""
        old = self.text[start:stop]
        blank = "\n" * old[: len(new)].count("\n") + "".join(c if c == "\n" else " " for c in old[len(new) :])
        return self.text[:start] + new + blank + self.text[stop:]

    def cut_tokens(self, first: Token, last: Token, new: str = "") -> str:
        return self.cut(start_of(first), end_of(last), new)

    def cut_line(self, stop: int | None = None) -> str:
        """The text without this statement (up to `stop`, or as far as it is written); where a block follows it, it
        keeps a head that means nothing."""
        start = start_of(self.first)
        stop = max(start, self._stop() if stop is None else stop)
        after = self.text[line_end(self.text, stop) :].lstrip("\n").split("\n", 1)[0]
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

    def _stop(self) -> int:
        if not self._closed():
            return line_end(self.text, start_of(self.token))
        last = self.rest[-1] if self.rest else self.token
        return start_of(last) if last.type in LAYOUT or last.type == "$END" else end_of(last)

    def _closed(self) -> bool:
        """Whether all that is open where the parser stopped is closed after it."""
        depth = len(self.brackets)
        for t in [self.token, *self.rest]:
            depth += (t.type in CLOSER) - (t.type in CLOSER.values())
            if t.type == "UNCLOSED":
                return False
        return depth <= 0


def attempt(text: str) -> Failure | Tree[Token]:
    """The tree of a text that can be parsed as a file."""
    session: Any = parser().parse_interactive(text, start=FILE)
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
        made: Tree[Token] = session.feed_eof(last)
    except UnexpectedToken as e:
        rest = []
        for later in stream:
            if later.type == "_NEWLINE" or e.token.type in ("_NEWLINE", "$END"):
                break
            rest.append(later)
        return Failure(text, e.token, line, rest, session.accepts(), brackets, header)
    return made


def start_of(t: Token) -> int:
    return t.start_pos or 0


def end_of(t: Token) -> int:
    return t.end_pos or 0


def line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end
