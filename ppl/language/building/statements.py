"""Statements."""

from __future__ import annotations

from collections.abc import Callable

from lark import Token, Tree

from .. import nodes as n
from .builder import Builder, Piece, token, tree
from .expressions import expression, optional, targets
from .strings import string

NESTING = 20
"""Blocks within blocks; more is an error."""


def statement(b: Builder, piece: Piece) -> n.Statement:
    t = tree(piece)
    return RULES[t.data](b, t)


def body(b: Builder, piece: Piece) -> n.Body:
    return statements(b, list(tree(piece).children))


def statements(b: Builder, pieces: list[Piece]) -> n.Body:
    if b.blocks >= NESTING:
        b.error("too-deep", f"blocks are nested more than {NESTING} deep", b.span(tree(pieces[0])),
                "move the inner blocks into a program or a def of their own")
        return ()
    b.blocks += 1
    try:
        return tuple(statement(b, p) for p in pieces)
    finally:
        b.blocks -= 1


def head(b: Builder, t: Tree[Token], inner: Piece) -> n.Span:
    """Up to the colon, with which the body begins."""
    first, colon = b.span(t), b.span(tree(inner))
    return n.Span(first.line, first.column, colon.line, colon.column + 1)


def site(b: Builder, piece: Piece) -> n.String | None:
    return None if piece is None else string(b, token(tree(piece).children[0]))


def _draw(b: Builder, t: Tree[Token]) -> n.Statement:
    name, dist, proposal, named = t.children
    return n.Draw(b.span(t), b.name(token(name)), expression(b, dist), optional(b, proposal), site(b, named))


def _observe(b: Builder, t: Tree[Token]) -> n.Statement:
    value, dist, named = t.children
    return n.Observe(b.span(t), expression(b, value), expression(b, dist), site(b, named))


def _weigh(b: Builder, t: Tree[Token]) -> n.Statement:
    kind, value, named = t.children
    return n.Weigh(b.span(t), str(kind), expression(b, value), site(b, named))


def _assign(b: Builder, t: Tree[Token]) -> n.Statement:
    names, value = t.children
    return n.Assign(b.span(t), targets(b, names), None, expression(b, value))


def _augment(b: Builder, t: Tree[Token]) -> n.Statement:
    name, op, value = t.children
    return n.Assign(b.span(t), (b.name(token(name)),), str(op)[:-1], expression(b, value))


def _evaluate(b: Builder, t: Tree[Token]) -> n.Statement:
    return n.Evaluate(b.span(t), expression(b, t.children[0]))


def _return(b: Builder, t: Tree[Token]) -> n.Statement:
    return n.Return(b.span(t), optional(b, t.children[0]))


def _jump(b: Builder, t: Tree[Token]) -> n.Statement:
    return n.Jump(b.span(t), str(t.children[0]))


def _if(b: Builder, t: Tree[Token]) -> n.Statement:
    test, then, *others = t.children
    branches = [(expression(b, test), body(b, then))]
    heads = [head(b, t, then)]
    otherwise = None
    for other in map(tree, others):
        heads.append(head(b, other, other.children[-1]))
        if other.data == "elif":
            branches.append((expression(b, other.children[0]), body(b, other.children[1])))
        else:
            otherwise = body(b, other.children[0])
    return n.If(_until(b, t, otherwise or branches[-1][1]), tuple(branches), otherwise, tuple(heads))


def _for(b: Builder, t: Tree[Token]) -> n.Statement:
    names, source, inner = t.children
    names_, source_, body_ = targets(b, names), expression(b, source), body(b, inner)
    return n.For(_until(b, t, body_), names_, source_, body_, head(b, t, inner))


def _while(b: Builder, t: Tree[Token]) -> n.Statement:
    test, body_ = expression(b, t.children[0]), body(b, t.children[1])
    return n.While(_until(b, t, body_), test, body_, head(b, t, t.children[1]))


def _until(b: Builder, t: Tree[Token], body_: n.Body) -> n.Span:
    """Up to the end of the last statement, not of the line ends after it."""
    at = b.span(t)
    return n.Span(at.line, at.column, body_[-1].span.end_line, body_[-1].span.end_column) if body_ else at


RULES: dict[str, Callable[[Builder, Tree[Token]], n.Statement]] = {
    "draw": _draw, "observe": _observe, "weigh": _weigh, "assign": _assign, "augment": _augment,
    "evaluate": _evaluate, "return": _return, "jump": _jump, "if": _if, "for": _for, "while": _while,
}
