"""The expressions inside an expression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from .. import nodes


def names_in(node: nodes.Node) -> frozenset[str]:
    """All names that an expression reads."""
    return frozenset(n.id for n in inside(node) if isinstance(n, nodes.Name))


def is_literal(node: nodes.Node) -> bool:
    """Whether an expression is made of literals and operators alone."""
    return not any(isinstance(n, (nodes.Name, nodes.Call, nodes.Member)) for n in inside(node))


def inside(node: nodes.Node) -> Iterator[nodes.Node]:
    """The node and all nodes under it."""
    pending: list[object] = [node]
    while pending:
        at = pending.pop()
        if isinstance(at, nodes.Node):
            yield at
            pending.extend(getattr(at, field.name) for field in fields(at))
        elif isinstance(at, tuple):
            pending.extend(at)
