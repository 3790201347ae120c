"""Expressions."""

from __future__ import annotations

from collections.abc import Callable

from lark import Token, Tree

from .. import nodes as n
from .builder import Builder, Piece, token, tree
from .foreign import FOREIGN
from .numbers import number
from .strings import string, verbatim

DEPTH = 100
"""Levels of an expression, the operators of a row included: more is an error, so that nothing overflows a stack."""

PREFIXES = {
    "f": "every string interpolates {expressions}: leave the f out", "r": "write a small r",
    "b": "there are no bytes: leave the b out", "u": "every string is Unicode: leave the u out",
}
SINGLETONS = {"TRUE": True, "FALSE": False, "NONE": None}


def expression(b: Builder, piece: Piece) -> n.Expression:
    t = tree(piece)
    if b.depth >= DEPTH:
        if all(d.code != "too-deep" for d in b.found):
            b.error("too-deep", f"this expression is nested more than {DEPTH} levels deep", b.span(t),
                    "give its parts names of their own; put many strings together with a loop or a list")
        return n.Constant(b.span(t), None)
    b.depth += 1
    try:
        return RULES[t.data](b, t)
    finally:
        b.depth -= 1


def optional(b: Builder, piece: Piece) -> n.Expression | None:
    return None if piece is None else expression(b, piece)


def several(b: Builder, pieces: list[Piece]) -> tuple[n.Expression, ...]:
    return tuple(expression(b, p) for p in pieces if p is not None)


def targets(b: Builder, piece: Piece) -> tuple[n.Name, ...]:
    return tuple(b.name(token(t)) for t in tree(piece).children)


def _name(b: Builder, t: Tree[Token]) -> n.Expression:
    name = b.name(token(t.children[0]))
    if name.id in FOREIGN:
        b.error("foreign-name", f"'{name.id}' is not a name here", name.span, f"write {FOREIGN[name.id]}")
    return name


def _singleton(b: Builder, t: Tree[Token]) -> n.Expression:
    return n.Constant(b.span(t), SINGLETONS[token(t.children[0]).type])


def _number(b: Builder, t: Tree[Token]) -> n.Expression:
    return number(b, token(t.children[0]))


def _string(b: Builder, t: Tree[Token]) -> n.Expression:
    return string(b, token(t.children[0]))


def _prefixed(b: Builder, t: Tree[Token]) -> n.Expression:
    """`grammar "..."`: a call of the name before the string."""
    name, literal = token(t.children[0]), token(t.children[1])
    if name == "grammar":
        return n.Call(b.span(t), b.name(name), (verbatim(b, literal),), ())
    letters = str(name).lower()
    touching = name.end_pos == literal.start_pos
    hints = [PREFIXES[c] for c in letters if c in PREFIXES] if touching and len(letters) <= 2 else []
    if hints:
        b.error("string-prefix", f"strings have no prefix {name}", b.span(name), hints[0])
    else:
        b.error("missing-operator", f"a string may not follow the name '{name}' directly", b.span(literal),
                f"write {name}(...) for a call; only `grammar` takes its string without parentheses")
    return string(b, literal)


def _list(b: Builder, t: Tree[Token]) -> n.Expression:
    return n.ListOf(b.span(t), several(b, list(t.children)))


def _dict(b: Builder, t: Tree[Token]) -> n.Expression:
    pairs = [tree(p).children for p in t.children if p is not None]
    return n.DictOf(b.span(t), tuple((expression(b, k), expression(b, v)) for k, v in pairs))


def _unary(b: Builder, t: Tree[Token]) -> n.Expression:
    op, operand = t.children
    return n.Unary(b.span(t), str(op), expression(b, operand))


def _binary(b: Builder, t: Tree[Token]) -> n.Expression:
    left, op, right = t.children
    return n.Binary(b.span(t), str(op), expression(b, left), expression(b, right))


def _logical(b: Builder, t: Tree[Token]) -> n.Expression:
    left, op, right = t.children
    return n.Logical(b.span(t), str(op), expression(b, left), expression(b, right))


def _compare(b: Builder, t: Tree[Token]) -> n.Expression:
    first = expression(b, t.children[0])
    rest: list[tuple[str, n.Expression]] = []
    op: list[str] = []
    for piece in t.children[1:]:
        if isinstance(piece, Token):
            op.append(str(piece))
        else:
            rest.append((" ".join(op), expression(b, piece)))
            op = []
    return n.Compare(b.span(t), first, tuple(rest))


def _conditional(b: Builder, t: Tree[Token]) -> n.Expression:
    then, test, otherwise = (expression(b, c) for c in t.children)
    return n.Conditional(b.span(t), test, then, otherwise)


def _call(b: Builder, t: Tree[Token]) -> n.Expression:
    function = expression(b, t.children[0])
    arguments: list[n.Expression] = []
    keywords: list[n.Keyword] = []
    for piece in t.children[1:]:
        if piece is None:
            continue
        if tree(piece).data == "keyword":
            name, value = tree(piece).children
            keywords.append(n.Keyword(b.span(tree(piece)), b.word(token(name)), expression(b, value)))
            continue
        arguments.append(expression(b, piece))
        if keywords:
            b.error("argument-order", "an argument without a name stands after one with a name", arguments[-1].span,
                    f"put it before {keywords[0].name}=..., or give it a name")
    if isinstance(function, n.Name) and function.id == "print":
        b.error("no-print", "there is no print: a program only returns a value", function.span,
                "return the text, or draw it as a site: every choice is kept in the trace")
    return n.Call(b.span(t), function, tuple(arguments), tuple(keywords))


def _comprehension(b: Builder, t: Tree[Token]) -> n.Comprehension:
    item = expression(b, t.children[0])
    return n.Comprehension(b.span(t), item, tuple(_clause(b, tree(c)) for c in t.children[1:]))


def _clause(b: Builder, t: Tree[Token]) -> n.Clause:
    names, source, *tests = t.children
    return n.Clause(b.span(t), targets(b, names), expression(b, source), several(b, list(tests)))


def _call_of_comprehension(b: Builder, t: Tree[Token]) -> n.Expression:
    """`any(x > 3 for x in xs)`, as Python writers do: the list is made first, which gives the same value."""
    function, item, *clauses = t.children
    made = Tree("comprehension", [item, *clauses], t.meta)
    inner = _comprehension(b, made)
    last = inner.clauses[-1].span
    first = inner.item.span
    inner = n.Comprehension(n.Span(first.line, first.column, last.end_line, last.end_column), inner.item, inner.clauses)
    return n.Call(b.span(t), expression(b, function), (inner,), ())


def _member(b: Builder, t: Tree[Token]) -> n.Expression:
    value, name = t.children
    return n.Member(b.span(t), expression(b, value), b.word(token(name)), b.span(token(name)))


def _index(b: Builder, t: Tree[Token]) -> n.Expression:
    value, index = t.children
    return n.Index(b.span(t), expression(b, value), expression(b, index))


def _slice(b: Builder, t: Tree[Token]) -> n.Expression:
    value, start, stop, step = t.children
    return n.Slice(b.span(t), expression(b, value), optional(b, start), optional(b, stop), optional(b, step))


RULES: dict[str, Callable[[Builder, Tree[Token]], n.Expression]] = {
    "name": _name, "singleton": _singleton, "number": _number, "string": _string, "prefixed": _prefixed,
    "list": _list, "dict": _dict, "unary": _unary, "binary": _binary, "logical": _logical, "compare": _compare,
    "conditional": _conditional, "call": _call, "comprehension": _comprehension,
    "call_of_comprehension": _call_of_comprehension, "member": _member, "index": _index, "slice": _slice,
}
