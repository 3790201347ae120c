"""Operators, comparisons, `and`, `or`, `not` and conditional expressions."""

from __future__ import annotations

from typing import Any

from .. import nodes
from .operators import binary_value, compare_values, unary_value
from .read import reads, truth_of, value_of
from .value import ANY, UNKNOWN, Value, constant, join
from .walk import Walk


@reads(nodes.Unary)
def unary(walk: Walk, node: nodes.Unary) -> Value:
    if node.op == "not":
        value = truth_of(walk, node.operand, "'not'")
        return constant(not value.known) if value.constant else Value("bool")
    return unary_value(walk, node, value_of(walk, node.operand))


@reads(nodes.Binary)
def binary(walk: Walk, node: nodes.Binary) -> Value:
    return binary_value(walk, node, node.op, value_of(walk, node.left), value_of(walk, node.right))


@reads(nodes.Logical)
def logical(walk: Walk, node: nodes.Logical) -> Value:
    left = truth_of(walk, node.left, f"'{node.op}'")
    with walk.barring(f"on the right of '{node.op}'"):
        right = value_of(walk, node.right)
    if left.constant:
        return right if bool(left.known) == (node.op == "and") else left
    return join(left, right)


@reads(nodes.Compare)
def compare(walk: Walk, node: nodes.Compare) -> Value:
    left_node, left = node.first, value_of(walk, node.first)
    known: Any = True
    for k, (op, right_node) in enumerate(node.rest):
        right = _later(walk, right_node) if k else value_of(walk, right_node)
        outcome = compare_values(walk, left_node, right_node, op, left, right)
        known = UNKNOWN if known is UNKNOWN or outcome in (UNKNOWN, None) else known and outcome
        left_node, left = right_node, ANY if outcome is None else right
    return Value("bool", known)


def _later(walk: Walk, node: nodes.Expression) -> Value:
    with walk.barring("after the first comparison of a chain"):
        return value_of(walk, node)


@reads(nodes.Conditional)
def conditional(walk: Walk, node: nodes.Conditional) -> Value:
    test = truth_of(walk, node.test, "'if'")
    with walk.barring("in a branch of a conditional expression"):
        then, otherwise = value_of(walk, node.then), value_of(walk, node.otherwise)
    if test.constant:
        return then if test.known else otherwise
    return join(then, otherwise)
