"""Numbers, constants, strings, lists and dicts."""

from __future__ import annotations

from typing import Any

from .. import nodes
from . import fold
from .read import advice, readable, reads, value_of
from .value import ANY, UNKNOWN, Value, constant, join, named
from .walk import Walk


@reads(nodes.Number)
def number(walk: Walk, node: nodes.Number) -> Value:
    return constant(node.value) if abs(node.value) < fold.LARGEST else Value(constant(node.value).kind)


@reads(nodes.Constant)
def truth_or_none(walk: Walk, node: nodes.Constant) -> Value:
    return constant(node.value)


@reads(nodes.String)
def string(walk: Walk, node: nodes.String) -> Value:
    known: Any = ""
    for part in node.parts:
        piece = part if isinstance(part, str) else _interpolated(walk, part)
        known = UNKNOWN if known is UNKNOWN or piece is UNKNOWN else known + piece
    return Value("str", known, inside="str")


def _interpolated(walk: Walk, part: nodes.Interpolation) -> Any:
    value = value_of(walk, part.value)
    if part.format is not None and value.kind not in ("any", "bool", "int", "float", "str"):
        message = f"a format is for a number or a string, not for {named(value.kind)}"
        walk.findings.report("wrong-kind", part.value, message, advice(value, "leave the format out: {value}"))
    elif not readable(value):
        walk.findings.report("wrong-kind", part.value, f"no text stands for {named(value.kind)}",
                             advice(value, "write a string, number, list or dict into it"))
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
        if k.kind not in ("any", "none", "bool", "int", "float", "str"):
            message = f"{named(k.kind)} cannot be a key of a dict"
            walk.findings.report("wrong-kind", key, message, "use a string or a number")
        if k.constant and v.constant and isinstance(k.known, (str, int, float, type(None))):
            found[k.known] = v.known
        else:
            complete = False
    return Value("dict", found if complete else UNKNOWN)
