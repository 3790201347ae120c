"""The lark parser of the grammar, and the indentation of its tokens."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from lark import Lark, Token
from lark.indenter import Indenter

if TYPE_CHECKING:
    from lark import Tree

FILE, EXPRESSION = "file", "expression"


class Layout(Indenter):
    """Indents and dedents outside brackets. Indentation that fits no block is one `BAD_DEDENT`, and a tab where others
    have spaces one `BAD_TAB`; no rule accepts them, so that these errors have a place like any other."""

    NL_type = "_NEWLINE"
    OPEN_PAREN_types = ["LPAR", "LSQB", "LBRACE"]  # noqa: RUF012 - as lark declares them
    CLOSE_PAREN_types = ["RPAR", "RSQB", "RBRACE"]  # noqa: RUF012
    INDENT_type = "_INDENT"
    DEDENT_type = "_DEDENT"
    tab_len = 8
    always_accept = ("_NEWLINE", "UNCLOSED", "STRANGE")
    blank: str | None = None
    """What the first indented line is indented by: tabs or spaces."""

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return Layout()._process(stream)  # state of its own: the parser is shared by threads

    def _process(self, stream: Iterator[Token]) -> Iterator[Token]:
        token, begun = None, False
        for token in stream:
            if token.type == self.NL_type:
                yield from self.handle_NL(token)
                begun = True
                continue
            if not begun and (token.column or 1) > 1:  # no line end stands before a first line
                self.indent_level.append((token.column or 1) - 1)
                yield _at(self.INDENT_type, token, start=True)
            begun = True
            yield token
            if token.type in self.OPEN_PAREN_types:
                self.paren_level += 1
            elif token.type in self.CLOSE_PAREN_types:
                self.paren_level = max(0, self.paren_level - 1)
        if token is not None:
            for _ in self.indent_level[1:]:
                yield _at(self.DEDENT_type, token)

    def handle_NL(self, token: Token) -> Iterator[Token]:  # noqa: N802 - lark's name
        if self.paren_level > 0:
            return
        yield token
        blank = token.rsplit("\n", 1)[-1]
        if blank:
            self.blank = self.blank or blank[0]
            if set(blank) != {self.blank}:
                yield _at("BAD_TAB", token)
        width = len(blank.expandtabs(self.tab_len))
        if width > self.indent_level[-1]:
            self.indent_level.append(width)
            yield _at(self.INDENT_type, token)
            return
        while width < self.indent_level[-1]:
            self.indent_level.pop()
            yield _at(self.DEDENT_type, token)
        if width != self.indent_level[-1]:
            yield _at("BAD_DEDENT", token)


def _at(kind: str, token: Token, *, start: bool = False) -> Token:
    if start:
        line, column, at = token.line, token.column, token.start_pos
    else:
        line, column, at = token.end_line, token.end_column, token.end_pos
    return Token(kind, "", at, line, column, line, column, at)


@cache
def parser() -> Lark:
    """Built once; several threads may use it."""
    return Lark(
        grammar_text(), parser="lalr", lexer="basic", postlex=Layout(), propagate_positions=True,
        start=[FILE, EXPRESSION],
    )


def grammar_text() -> str:
    return files(__package__).joinpath("grammar.lark").read_text("utf-8")


def tree_of(source: str, start: str) -> Tree[Token]:
    """Raises lark's UnexpectedToken."""
    return parser().parse(source, start=start)
