"""`value_of` and `read_body`: each kind of expression and of statement has a reader, which reports what is wrong in it
and says what is known afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import nodes
from ..library.signature import Kind
from .value import DRAWABLE, Value, named
from .walk import Walk

Reader = Callable[[Walk, Any], Value]
Doer = Callable[[Walk, Any], None]
_READERS: dict[type, Reader] = {}
_DOERS: dict[type, Doer] = {}


def reads(kind: type) -> Callable[[Reader], Reader]:
    """The decorated function reads the expressions of this kind."""

    def register(reader: Reader) -> Reader:
        _READERS[kind] = reader
        return reader

    return register


def does(kind: type) -> Callable[[Doer], Doer]:
    """The decorated function reads the statements of this kind."""

    def register(doer: Doer) -> Doer:
        _DOERS[kind] = doer
        return doer

    return register


def read_body(walk: Walk, body: nodes.Body) -> None:
    """Read statements one after the other, in the scope of the walk."""
    reported = walk.scope.dead
    for statement in body:
        if walk.scope.dead and not reported:
            reported = True
            hint = "remove it, or what ends the run before"
            walk.findings.report("unreachable", statement, "no run comes here", hint)
        _DOERS[type(statement)](walk, statement)


def value_of(walk: Walk, node: nodes.Expression) -> Value:
    return _READERS[type(node)](walk, node)


def truth_of(walk: Walk, node: nodes.Expression, after: str) -> Value:
    """The value of what is used as a truth value. after: the word it stands after."""
    value = value_of(walk, node)
    if value.kind not in ("any", "none", "bool", "int", "float", "str", "list", "dict"):
        walk.findings.report("wrong-kind", node, f"{after} needs a truth value, got {named(value.kind)}",
                             advice(value, "write a comparison, such as x == y"))
    return value


def readable(value: Value) -> bool:
    """Whether a text may stand for the value, for all that is known."""
    return value.kind in ("any", "none", "bool", "int", "float", "str", "list", "dict", "context")


def advice(value: Value, otherwise: str) -> str:
    """What to write instead of a value of a kind that is seldom meant itself; of other kinds, `otherwise`."""
    return _ADVICE.get(value.kind, otherwise)


_ADVICE: dict[Kind, str] = {
    "function": "call it: name(...)",
    **dict.fromkeys(DRAWABLE, "draw from it first: x ~ ..."),
    "model": "draw from it first: x ~ lm.text(prompt, max_tokens=20)",
    "context": "write str(context) for its text",
    "constraint": "write constraint.matches(text) to test a text",
    "mask": "write mask[token] to test a token",
    "reward": 'write reward("name", text) for its number',
}
