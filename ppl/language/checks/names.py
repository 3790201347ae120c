"""Names: what they refer to, whether they are assigned, and what may not be given another meaning."""

from __future__ import annotations

from collections.abc import Iterable

from .. import nodes
from ..library.signature import Builtin
from .read import reads
from .suggest import NOTES, meant
from .top import Imported
from .value import ANY, Value
from .walk import Walk


@reads(nodes.Name)
def name_value(walk: Walk, node: nodes.Name) -> Value:
    return as_value(walk, node, lookup(walk, node))


def as_value(walk: Walk, node: nodes.Name | nodes.Member, found: Value) -> Value:
    """What a name stands for where it is not called: built-ins, programs and files are no values."""
    shown = node.id if isinstance(node, nodes.Name) else node.name
    match found.of:
        case Builtin():
            what, hint = "a built-in", f"call it: {shown}(...)"
        case nodes.Definition(kind="program"):
            what, hint = "a program", f"call it in a line of its own: x ~ {shown}(...)"
        case Imported():
            what, hint = "a file that is imported", f"write {shown}.name"
        case _:
            return found
    walk.findings.report("not-called", node, f"{shown!r} is {what} and no value", hint)
    return ANY


def lookup(walk: Walk, node: nodes.Name) -> Value:
    """What a name stands for, where it may be called or have members."""
    name = node.id
    walk.used.add(name)
    binding = walk.scope.get(name)
    if binding is not None:
        if not binding.certain and name not in walk.forgiven:
            walk.forgiven.add(name)
            walk.findings.report(
                "maybe-unassigned", node, f"{name!r} may not be assigned here", f"assign {name!r} before, on every path"
            )
        return binding.value
    if name in walk.forgiven:
        return ANY
    if name in walk.locals:
        walk.forgiven.add(name)
        walk.findings.report(
            "unassigned", node, f"{name!r} is used before it is assigned", f"assign {name!r} before this line"
        )
        return ANY
    return _beyond(walk, node)


def _beyond(walk: Walk, node: nodes.Name) -> Value:
    """A name of the file or of the language."""
    found = walk.top.get(node.id)
    if found is not None:
        if walk.definition is None and walk.top.follows(node.id, node.span):
            walk.forgiven.add(node.id)
            walk.findings.report(
                "unassigned", node, f"{node.id!r} is used before it is defined", f"define {node.id!r} further up"
            )
        return found
    walk.forgiven.add(node.id)
    hint = NOTES.get(node.id)
    if hint is None and node.id not in (walk.top.provided or ()):
        hint = meant(node.id, (*walk.scope.names(), *walk.locals, *walk.top.known()))
    walk.findings.report("unknown-name", node, f"unknown name {node.id!r}", hint or _advice(walk, node.id))
    return ANY


def _advice(walk: Walk, name: str) -> str:
    if name[:1].isupper():
        return "distributions have their NumPyro names, such as Normal, Bernoulli and Categorical"
    if walk.top.provided is not None and name in walk.top.provided:
        return f"declare the model at the beginning of the file: model {name}"
    return f"assign {name!r} first, or make it a parameter"


def bind(walk: Walk, target: nodes.Name, value: Value) -> None:
    """Give a local name a value; report it where the name means something else."""
    hidden = walk.top.hides(target.id)
    if hidden is not None:
        hint = f"choose another name, such as {target.id}_"
        walk.findings.report("shadows", target, f"{target.id!r} is {hidden}", hint)
    walk.scope.bind(target.id, value)


def assigned(body: Iterable[nodes.Statement]) -> frozenset[str]:
    """The names that a body assigns anywhere."""
    found: set[str] = set()
    pending = list(body)
    while pending:
        statement = pending.pop()
        match statement:
            case nodes.Draw(target=target):
                found.add(target.id)
            case nodes.Assign(targets=targets):
                found.update(t.id for t in targets)
            case nodes.For(targets=targets, body=inner):
                found.update(t.id for t in targets)
                pending.extend(inner)
            case nodes.While(body=inner):
                pending.extend(inner)
            case nodes.If(branches=branches, otherwise=otherwise):
                for _, inner in branches:
                    pending.extend(inner)
                pending.extend(otherwise or ())
    return frozenset(found)
