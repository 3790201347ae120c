"""`if`: where its branches meet, and what is known there."""

from __future__ import annotations

from .. import nodes
from .read import does, read_body, truth_of
from .scope import Scope
from .traverse import is_literal
from .value import Value
from .walk import Walk


def certain(test: nodes.Expression, value: Value) -> bool | None:
    """The outcome of a test that is made of literals; None of others."""
    if not value.constant or not is_literal(test):
        return None
    return bool(value.known)


def report_constant(walk: Walk, test: nodes.Expression, outcome: bool) -> None:
    hint = "test what is drawn or given, or leave the test out"
    walk.findings.report("constant-condition", test, f"this is always {'true' if outcome else 'false'}", hint)


@does(nodes.If)
def if_statement(walk: Walk, node: nodes.If) -> None:
    outer, paths, over = walk.scope, [], False
    for test, body in node.branches:
        value = truth_of(walk, test, "'if'")
        outcome = certain(test, value)
        if outcome is not None:
            report_constant(walk, test, outcome)
        paths.append(_branch(walk, outer, body, over or outcome is False))
        over = over or outcome is True
    paths.append(_branch(walk, outer, node.otherwise or (), over))
    outer.merge(paths)


def _branch(walk: Walk, outer: Scope, body: nodes.Body, dead: bool) -> Scope:
    branch = Scope(outer)
    branch.dead = dead
    with walk.within(branch):
        read_body(walk, body)
    return branch
