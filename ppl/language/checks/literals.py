"""Numbers, constants, strings, lists and dicts."""

from __future__ import annotations

from typing import Any

from .. import nodes
from . import fold
from .read import reads, value_of
from .value import ANY, UNKNOWN, Value, constant, join
from .walk import Walk


@reads(nodes.Number)
def number(walk: Walk, node: nodes.Number) -> Value:
    return constant(node.value)


@reads(nodes.Constant)
def truth_or_none(walk: Walk, node: nodes.Constant) -> Value:
    return constant(node.value)


@reads(nodes.String)
def string(walk: Walk, node: nodes.String) -> Value:
    known: Any = ""
    for part in node.parts:
        piece = part if isinstance(part, str) else _interpolated(walk, part)
        known = UNKNOWN if known is UNKNOWN or piece is UNKNOWN else known + piece
    return Value("str", known)


def _interpolated(walk: Walk, part: nodes.Interpolation) -> Any:
    value = value_of(walk, part.value)
    return fold.text(value.known) if part.format is None else UNKNOWN


@reads(nodes.ListOf)
def list_of(walk: Walk, node: nodes.ListOf) -> Value:
    items = [value_of(walk, item) for item in node.items]
    inside = items[0] if items else ANY
    for v in items[1:]:
        inside = join(inside, v)
    return Value("list", [v.known for v in items] if all(v.constant for v in items) else UNKNOWN, inside=inside.kind)


@reads(nodes.DictOf)
def dict_of(walk: Walk, node: nodes.DictOf) -> Value:
    found: dict[Any, Any] = {}
    complete = True
    for key, item in node.pairs:
        k, v = value_of(walk, key), value_of(walk, item)
        if k.kind in ("list", "dict"):
            walk.findings.report("wrong-kind", key, f"a {k.kind} cannot be a key of a dict", "use a string or a number")
        if k.constant and v.constant and isinstance(k.known, (str, int, float, type(None))):
            found[k.known] = v.known
        else:
            complete = False
    return Value("dict", found if complete else UNKNOWN)
