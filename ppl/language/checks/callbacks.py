"""Functions given to built-ins: whether they take as many arguments as they will be called with."""

from __future__ import annotations

from .. import nodes
from ..library.signature import Builtin
from .signature import Bound, arguments_of, signature
from .walk import Walk

_CALLED = {"predicate": ("test", 1), "tokens_where": ("test", 1), "sorted": ("key", 1)}


def check_callback(walk: Walk, shown: str, of: Builtin, bound: Bound) -> None:
    """The built-in calls the function with one argument and those that it is given behind it."""
    name, least = _CALLED.get(of.name, ("", 0))
    given = bound.by.get(name)
    if given is None or not isinstance(given[1].of, nodes.Definition):
        return
    definition = given[1].of
    count = least + len(bound.more) + ("more" in bound.by)
    arguments = arguments_of(definition)
    needed = sum(a.required for a in arguments)
    if not needed <= count <= len(arguments):
        takes = f"{needed}" if needed == len(arguments) else f"{needed} to {len(arguments)}"
        walk.findings.report(
            "wrong-kind", given[0],
            f"{shown} calls {definition.name} with {count} argument{'s' * (count != 1)}, but it takes {takes}",
            f"it is defined as {signature(definition.name, arguments, False)}",
        )
