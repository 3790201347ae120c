"""Imports: the names that other files define."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .. import nodes
from .suggest import listed, meant
from .top import Imported, Top
from .value import ANY, Value

Find = Callable[[str, nodes.Import], Mapping[str, Value] | None]


def read_import(top: Top, node: nodes.Import, find: Find) -> None:
    """find: the names that a module defines; None, and it has reported why, where it cannot be read."""
    names = find(node.module, node)
    if node.names is None:
        as_name, span = (node.module, node.span) if node.alias is None else (node.alias.id, node.alias.span)
        top.define(as_name, span, Value(of=Imported(node.module, names)))
        top.imported[as_name] = span
        return
    for name, alias in node.names:
        target = alias or name
        value: Value | None = ANY
        if names is not None:
            value = names.get(name.id)
            if value is None:
                hint = meant(name.id, names) or f"it defines {listed(names) or 'nothing'}"
                top.findings.report("unknown-import", name, f"{node.module} does not define {name.id!r}", hint)
        top.define(target.id, target.span, value or ANY)
        top.imported[target.id] = target.span
