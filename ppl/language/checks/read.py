"""`value_of`: what is known of the value of an expression; whoever reads an expression reports what is wrong in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import nodes
from .value import Value, named
from .walk import Walk

Reader = Callable[[Walk, Any], Value]
_READERS: dict[type, Reader] = {}


def reads(kind: type) -> Callable[[Reader], Reader]:
    """The decorated function reads the expressions of this kind."""

    def register(reader: Reader) -> Reader:
        _READERS[kind] = reader
        return reader

    return register


def value_of(walk: Walk, node: nodes.Expression) -> Value:
    return _READERS[type(node)](walk, node)


def truth_of(walk: Walk, node: nodes.Expression, after: str) -> Value:
    """The value of what is used as a truth value. after: the word it stands after."""
    value = value_of(walk, node)
    if is_function(value):
        walk.findings.report(
            "not-called", node, f"{after} is given a function, which is always true", "call it: name(...)"
        )
    elif value.kind in ("distribution", "token", "text"):
        walk.findings.report(
            "wrong-kind", node, f"{after} needs a truth value, got {named(value.kind)}", "draw from it first: x ~ ..."
        )
    elif value.kind in ("model", "constraint", "reward"):
        walk.findings.report("wrong-kind", node, f"{after} needs a truth value, got {named(value.kind)}")
    return value


def is_function(value: Value) -> bool:
    return value.kind == "function" or isinstance(value.of, nodes.Definition)
