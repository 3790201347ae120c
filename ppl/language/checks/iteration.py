"""What a loop goes through, and the names that take its items."""

from __future__ import annotations

from .. import nodes
from .names import bind
from .read import advice
from .value import ANY, PLAIN_STRING, Value, constant, kind_of, named
from .walk import Walk

_ITERABLE = ("any", "str", "list", "dict")


def items_of(walk: Walk, source: nodes.Expression, value: Value) -> Value:
    """One item of a value that a loop goes through."""
    if value.kind in ("int", "float"):
        walk.findings.report(
            "not-iterable", source, "a loop over a number", "write range(n) to do something n times"
        )
    elif value.kind not in _ITERABLE:
        hint = advice(value, "loop over a list, a string, a dict or range(n)")
        walk.findings.report("not-iterable", source, f"a loop over {named(value.kind)}", hint)
    if value.kind == "str":
        return PLAIN_STRING
    if value.kind == "list":
        return Value(value.inside)
    return ANY


def bind_targets(walk: Walk, targets: tuple[nodes.Name, ...], value: Value) -> None:
    """`a = value`, or `a, b = value`."""
    if len(targets) == 1:
        bind(walk, targets[0], value)
        return
    if value.kind not in ("any", "list"):
        walk.findings.report(
            "wrong-kind", targets[0], f"{len(targets)} names cannot share {named(value.kind)}", "assign to one name"
        )
    items = value.known if value.constant and isinstance(value.known, list) else None
    if items is not None and len(items) != len(targets):
        walk.findings.report("wrong-count", targets[0], f"{len(targets)} names for a list of {len(items)}",
                             "write a name for each value, or one for the whole list")
        items = None
    for k, target in enumerate(targets):
        bind(walk, target, constant(items[k]) if items and kind_of(items[k]) != "any" else Value(value.inside))


def never_empty(value: Value) -> bool:
    """Whether a loop over it is certainly entered."""
    return value.constant and isinstance(value.known, (str, list, dict)) and len(value.known) > 0

