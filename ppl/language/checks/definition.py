"""One `def` or program: its parameters and body, and what neither uses."""

from __future__ import annotations

from collections.abc import Iterator

from .. import nodes
from .findings import Findings
from .names import assigned
from .read import read_body, value_of
from .scope import Scope
from .top import Top
from .value import ANY, Value, join, named
from .walk import Walk


def read_definition(top: Top, findings: Findings, node: nodes.Definition) -> Walk:
    """Read a definition; for a `def`, `top.returns` then has what is known of its results."""
    names = frozenset(n for n in assigned(node.body) if top.hides(n) is None)
    walk = Walk(findings, top, Scope(), node, names | {p.name for p in node.parameters})
    for parameter in node.parameters:
        _read_parameter(walk, top, parameter)
    read_body(walk, node.body)
    if not walk.scope.dead:
        walk.results.append(Value("none", None))
    if node.kind == "def":
        top.returns[node] = _result(walk)
    _report_unused(walk, node)
    return walk


def _read_parameter(walk: Walk, top: Top, parameter: nodes.Parameter) -> None:
    hidden = top.hides(parameter.name)
    if hidden is not None:
        hint = f"choose another name, such as {parameter.name}_"
        walk.findings.report("shadows", parameter, f"{parameter.name!r} is {hidden}", hint)
    kind = parameter.type
    value = Value(kind) if kind in _TYPES else ANY  # type: ignore[arg-type]
    if parameter.default is not None:
        outside = Walk(walk.findings, top, Scope(), None, barred="in a default value")
        default = value_of(outside, parameter.default)
        if not _fits(value, default):
            message = f"the default of {parameter.name!r} is {named(default.kind)}, its type is {parameter.type}"
            hint = f"give it {named(value.kind)}, None, or the parameter another type"
            walk.findings.report("wrong-kind", parameter.default, message, hint)
        if default.kind == "none":
            value = ANY
    walk.scope.bind(parameter.name, value)


_TYPES = ("str", "int", "float", "bool", "list", "dict")


def _fits(value: Value, default: Value) -> bool:
    if "any" in (value.kind, default.kind) or default.kind in (value.kind, "none"):
        return True
    return (default.kind, value.kind) in (("int", "float"), ("bool", "int"), ("bool", "float"))


def _result(walk: Walk) -> Value:
    found = walk.results[0] if walk.results else ANY
    for value in walk.results[1:]:
        found = join(found, value)
    return Value(found.kind, inside=found.inside)


def _report_unused(walk: Walk, node: nodes.Definition) -> None:
    reported = set()
    for statement in _statements(node.body):
        if isinstance(statement, nodes.Assign) and statement.op is None and len(statement.targets) == 1:
            target = statement.targets[0]
            if target.id not in walk.used and target.id not in reported and not target.id.startswith("_"):
                reported.add(target.id)
                walk.findings.report(
                    "unused-variable", target, f"{target.id!r} is never used", "remove it, or call it _"
                )
    if node.kind == "program" and not walk.acts:
        walk.findings.report(
            "no-effect", node.name_span, f"the program {node.name} makes no choices and weighs nothing",
            "draw something (x ~ ...), or make it a def",
        )


def _statements(body: nodes.Body) -> Iterator[nodes.Statement]:
    """All of a body, in order."""
    for statement in body:
        yield statement
        match statement:
            case nodes.For(body=inner) | nodes.While(body=inner):
                yield from _statements(inner)
            case nodes.If(branches=branches, otherwise=otherwise):
                for _, inner in branches:
                    yield from _statements(inner)
                yield from _statements(otherwise or ())
