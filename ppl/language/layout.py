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
    """Indents and dedents outside brackets. A line that is indented less than any block it could go on is one
    `BAD_DEDENT`, which no rule accepts, so that the error has a place like any other."""

    NL_type = "_NEWLINE"
    OPEN_PAREN_types = ["LPAR", "LSQB", "LBRACE"]  # noqa: RUF012 - as lark declares them
    CLOSE_PAREN_types = ["RPAR", "RSQB", "RBRACE"]  # noqa: RUF012
    INDENT_type = "_INDENT"
    DEDENT_type = "_DEDENT"
    tab_len = 8

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return Indenter.process(Layout(), self._begun(stream))  # state of its own: the parser is shared by threads

    def handle_NL(self, token: Token) -> Iterator[Token]:  # noqa: N802 - lark's name
        if self.paren_level > 0:
            return
        yield token
        blank = token.rsplit("\n", 1)[-1]
        width = len(blank.expandtabs(self.tab_len))
        if width > self.indent_level[-1]:
            self.indent_level.append(width)
            yield _at_end(self.INDENT_type, token)
            return
        while width < self.indent_level[-1]:
            self.indent_level.pop()
            yield _at_end(self.DEDENT_type, token)
        if width != self.indent_level[-1]:
            yield _at_end("BAD_DEDENT", token)

    @property
    def always_accept(self) -> tuple[str, ...]:
        return (self.NL_type, "UNCLOSED", "STRANGE")

    def _begun(self, stream: Iterator[Token]) -> Iterator[Token]:
        """A first line that is indented begins a block, although no line end stands before it."""
        for i, token in enumerate(stream):
            if i == 0 and token.type != self.NL_type and (token.column or 1) > 1:
                yield Token(self.INDENT_type, "", 0, token.line, token.column, token.line, token.column)
            yield token


def _at_end(kind: str, token: Token) -> Token:
    line, column, end = token.end_line, token.end_column, token.end_pos
    return Token(kind, "", end, line, column, line, column, end)


@cache
def parser() -> Lark:
    """Built once; several threads may use it."""
    grammar = files(__package__).joinpath("grammar.lark").read_text("utf-8")
    return Lark(
        grammar, parser="lalr", lexer="basic", postlex=Layout(), propagate_positions=True, start=[FILE, EXPRESSION]
    )


def tree_of(source: str, start: str) -> Tree[Token]:
    """Raises lark's UnexpectedToken."""
    return parser().parse(source, start=start)
