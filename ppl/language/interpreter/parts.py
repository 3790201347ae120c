"""Parts of calls: their arguments, the files that names stand for, and effects that are awaited first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import nodes as n
from .scope import Globals

if TYPE_CHECKING:
    from .expressions import Evaluate, Expressions


def module_of(within: Expressions, node: n.Member) -> Globals | None:
    """The file whose member this is, if it is one."""
    owner = node.value
    if not isinstance(owner, n.Name) or within.scope.find(owner.id) is not None:
        return None
    if within.globals.roles.get(owner.id) != "module":
        return None
    found: Globals = within.globals.values[owner.id]
    return found


def arguments(within: Expressions, node: n.Call) -> tuple[list[Evaluate], tuple[str, ...]]:
    """The closures of all values, those of keywords last, and the names of these."""
    values = [within.compile(a) for a in node.arguments] + [within.compile(k.value) for k in node.keywords]
    return values, tuple(k.name for k in node.keywords)


def hoisted(within: Expressions, node: n.Node, make: Evaluate) -> Evaluate:
    """Let the statement await what `make` makes, before the rest of the expression is evaluated."""
    if within.hoists is None:
        raise within.source.error(node, "effect", "this effect cannot stand here: not in a `def`, a constant, a "
                                                  "comprehension, a branch, or on the right side of and/or",
                                  "write `x = ...` in a line of its own, in a program")
    slot = within.scope.temporary()
    within.hoists.append((make, slot, node))
    return lambda f: f.values[slot]
