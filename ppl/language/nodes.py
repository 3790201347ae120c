"""The syntax tree of a .steer file. Every node knows where it stands; nothing here runs.

Plain data, so that the parser, the checks, the interpreter and the formatter share one picture of a program.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """From the character at (line, column) up to, not including, the one at (end_line, end_column); all from 1."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """Nodes are equal only to themselves, so that a table may be keyed by them."""

    span: Span


# Expressions


@dataclass(frozen=True, slots=True, eq=False)
class Number(Node):
    value: int | float
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class Constant(Node):
    """True, False or None."""

    value: bool | None


@dataclass(frozen=True, slots=True, eq=False)
class Interpolation(Node):
    """`{value}` or `{value:format}` in a string; its span has the braces. format: a Python format specification with
    bounded width and precision, such as ".2f"; None where there is none."""

    value: Expression
    format: str | None


@dataclass(frozen=True, slots=True, eq=False)
class String(Node):
    """Texts (unescaped, none empty, no two in a row) and what is interpolated between them. source: the literal as
    written, quotes included. verbatim: of `grammar "..."`, written without parentheses and read as it stands."""

    parts: tuple[str | Interpolation, ...]
    source: str
    verbatim: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Name(Node):
    id: str


@dataclass(frozen=True, slots=True, eq=False)
class ListOf(Node):
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class DictOf(Node):
    pairs: tuple[tuple[Expression, Expression], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Unary(Node):
    """op: "-", "+" or "not"."""

    op: str
    operand: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Binary(Node):
    """op: + - * / // % ** & |, where & and | join constraints."""

    op: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Logical(Node):
    """op: "and" or "or"; the right side is evaluated only where it decides."""

    op: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Compare(Node):
    """A chain: each op (== != < <= > >= in "not in") stands between its neighbours."""

    first: Expression
    rest: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Conditional(Node):
    """`then if test else otherwise`."""

    test: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Keyword(Node):
    name: str
    value: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Call(Node):
    """function: a name, or a member of a module or value."""

    function: Expression
    arguments: tuple[Expression, ...]
    keywords: tuple[Keyword, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Member(Node):
    """`value.name`; the name is one of the built-ins of its kind of value. name_span: where the name stands."""

    value: Expression
    name: str
    name_span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Index(Node):
    value: Expression
    index: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Slice(Node):
    value: Expression
    start: Expression | None
    stop: Expression | None
    step: Expression | None


@dataclass(frozen=True, slots=True, eq=False)
class Clause(Node):
    """`for targets in source if test ...` of a comprehension."""

    targets: tuple[Name, ...]
    source: Expression
    tests: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Comprehension(Node):
    item: Expression
    clauses: tuple[Clause, ...]


Expression = (
    Number | Constant | String | Name | ListOf | DictOf | Unary | Binary | Logical | Compare | Conditional | Call
    | Member | Index | Slice | Comprehension
)

# Statements


@dataclass(frozen=True, slots=True, eq=False)
class Draw(Node):
    """`target ~ dist [using proposal] [as "site"]`, also of a program call. The site is named after its target."""

    target: Name
    dist: Expression
    proposal: Expression | None
    site: String | None


@dataclass(frozen=True, slots=True, eq=False)
class Observe(Node):
    """`observe value ~ dist [as "site"]`."""

    value: Expression
    dist: Expression
    site: String | None


@dataclass(frozen=True, slots=True, eq=False)
class Weigh(Node):
    """kind: "condition", "factor" or "twist"."""

    kind: str
    value: Expression
    site: String | None


@dataclass(frozen=True, slots=True, eq=False)
class Assign(Node):
    """`a = e`, `a, b = e`, and with op (+ - * / // %) `a += e`."""

    targets: tuple[Name, ...]
    op: str | None
    value: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Evaluate(Node):
    """A call that stands alone, its value unused."""

    value: Expression


@dataclass(frozen=True, slots=True, eq=False)
class If(Node):
    """branches: (test, body) of `if` and each `elif`. heads: from each `if`, `elif` and `else` up to its colon."""

    branches: tuple[tuple[Expression, Body], ...]
    otherwise: Body | None
    heads: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class For(Node):
    """head: from `for` up to the colon."""

    targets: tuple[Name, ...]
    source: Expression
    body: Body
    head: Span | None = None


@dataclass(frozen=True, slots=True, eq=False)
class While(Node):
    """head: from `while` up to the colon."""

    test: Expression
    body: Body
    head: Span | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Return(Node):
    value: Expression | None


@dataclass(frozen=True, slots=True, eq=False)
class Jump(Node):
    """kind: "break", "continue" or "pass"."""

    kind: str


Statement = Draw | Observe | Weigh | Assign | Evaluate | If | For | While | Return | Jump
Body = tuple[Statement, ...]

# Files


@dataclass(frozen=True, slots=True, eq=False)
class Parameter(Node):
    """`name: type = default`; type: str, int, float, bool, list or dict."""

    name: str
    type: str | None
    default: Expression | None


@dataclass(frozen=True, slots=True, eq=False)
class Definition(Node):
    """kind: "program" (makes choices, weighs) or "def" (a pure function). name_span: where the name stands. head: from
    the first word up to the colon."""

    kind: str
    name: str
    name_span: Span
    parameters: tuple[Parameter, ...]
    doc: String | None
    body: Body
    head: Span | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Models(Node):
    """`model planner, critic`: language models that whoever runs the file provides. `lm` is always there."""

    names: tuple[Name, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Import(Node):
    """`import module [as alias]`, or `from module import name [as alias], ...` where names is not None."""

    module: str
    alias: Name | None
    names: tuple[tuple[Name, Name | None], ...] | None


@dataclass(frozen=True, slots=True)
class Comment:
    """text: with its #. alone: whether nothing else stands in its line."""

    span: Span
    text: str
    alone: bool


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """A parsed file; top-level assignments are constants, evaluated once. doc: the string at its beginning."""

    path: str
    source: str
    doc: String | None
    statements: tuple[Definition | Models | Import | Assign, ...]
    comments: tuple[Comment, ...]
