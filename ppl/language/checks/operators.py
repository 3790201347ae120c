"""Which kinds of values the operators join, and what they make of them."""

from __future__ import annotations

from typing import Any

from .. import nodes
from ..library.signature import Kind
from . import fold
from .read import advice
from .value import ANY, DRAWABLE, NUMBERS, UNKNOWN, Value, constant, kind_of, named
from .walk import Walk

_MEASURES = ("model", "token", "text")
_SIDES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "+": ((*NUMBERS, "str", "list", "context"), (*NUMBERS, "str", "list")),
    "-": (NUMBERS, NUMBERS),
    "*": ((*NUMBERS, "str", "list", *_MEASURES),) * 2,
    "/": ((*NUMBERS, *_MEASURES),) * 2,
    "//": (NUMBERS, NUMBERS),
    "%": (NUMBERS, NUMBERS),
    "**": ((*NUMBERS, *_MEASURES), NUMBERS),
    "&": (("constraint", "mask"),) * 2,
    "|": (("constraint", "mask"),) * 2,
}
_ORDERED = (NUMBERS, ("str",), ("list",))
_CONTAINERS = ("any", "str", "list", "dict")


def unary_value(walk: Walk, node: nodes.Unary, value: Value) -> Value:
    if value.kind not in ("any", *NUMBERS):
        walk.findings.report("bad-operands", node, f"'{node.op}' before {named(value.kind)}", _hint(node.op, value))
        return ANY
    known = fold.unary(node.op, value.known) if value.constant else UNKNOWN
    if known is not UNKNOWN:
        return constant(known)
    return Value("int" if value.kind == "bool" else value.kind)


def binary_value(walk: Walk, at: nodes.Node, op: str, a: Value, b: Value) -> Value:
    kind = _result(op, a.kind, b.kind)
    if kind is None:
        what = f"'{op}' between {named(a.kind)} and {named(b.kind)}"
        walk.findings.report("bad-operands", at, what, _hint(op, a, b))
        return ANY
    known = fold.binary(op, a.known, b.known) if a.constant and b.constant else UNKNOWN
    inside: Kind = "str" if kind == "str" else a.inside if kind == "list" and a.inside == b.inside else "any"
    return Value(kind if known is UNKNOWN else kind_of(known), known, inside=inside)


def _result(op: str, a: Kind, b: Kind) -> Kind | None:
    """The kind of `a op b`; "any" in doubt, None where there is no such thing."""
    sides = _SIDES[op]
    if a not in ("any", *sides[0]) or b not in ("any", *sides[1]):
        return None
    if "any" in (a, b):
        return "any"
    if a in NUMBERS and b in NUMBERS:
        return "float" if op == "/" or "float" in (a, b) else "any" if op == "**" else "int"
    if op == "+":
        if a == b and a in ("str", "list"):
            return a
        return "context" if a == "context" and b in ("str", "int", "list") else None
    if op == "*" and {a, b} & {"str", "list"} and "int" in (a, b):
        return a if a in ("str", "list") else b
    if op in "*/" and a == b and a in _MEASURES:
        return a if a == "model" else "any"
    if op == "**" and a in _MEASURES and b in NUMBERS:
        return a if a == "model" else "any"
    if op in "&|" and a == b and a in ("constraint", "mask"):
        return a
    return None


def _hint(op: str, *sides: Value) -> str:
    kinds = {v.kind for v in sides}
    if "model" in kinds and op in "*/**":
        return f"models join with models: lm {op} critic" if op != "**" else "for example lm ** 2"
    for side in sides:
        if side.kind in ("function", *DRAWABLE, "model"):
            return advice(side, "")
    if op == "+" and "str" in kinds and kinds & {*NUMBERS, "none", "list", "dict", "context"}:
        return 'put the value into the string: "... {value}"'
    if op == "+" and "list" in kinds:
        return "write xs + [x] to append one item"
    if op == "%" and "str" in kinds:
        return 'put the value into the string: "... {value}"'
    if op in "&|" and kinds <= set(NUMBERS):
        return f"'{'and' if op == '&' else 'or'}' joins conditions"
    if op == "-" and kinds == {"str"}:
        return 'write text.replace(part, "") to take a part out of a string'
    return _JOINS[op]


_JOINS = {
    "+": "+ joins two numbers, two strings, two lists, or a context and a string",
    "*": '* joins two numbers, or repeats: "ab" * 3, [0] * 3',
    **{op: f"{op} is for numbers: int(x) and float(x) make one of a string" for op in ("-", "/", "//", "%", "**")},
    **{op: f"{op} joins two constraints or two masks" for op in "&|"},
}


def compare_values(
    walk: Walk, left: nodes.Expression, right: nodes.Expression, op: str, a: Value, b: Value
) -> Any:
    """Whether `a op b` holds, UNKNOWN where that depends, None for kinds that cannot be compared so."""
    if op in ("<", "<=", ">", ">="):
        if not any({a.kind, b.kind} <= {"any", *order} for order in _ORDERED):
            what = f"'{op}' between {named(a.kind)} and {named(b.kind)}"
            walk.findings.report("bad-operands", right, what, _compare_hint(a, b))
            return None
    elif op in ("in", "not in"):
        if b.kind not in _CONTAINERS:
            hint = advice(b, "it looks into a string, a list or a dict")
            walk.findings.report("bad-operands", right, f"'{op}' looks into {named(b.kind)}", hint)
            return None
        if b.kind == "str" and a.kind not in ("any", "str"):
            what = f"'{op}' looks for {named(a.kind)} in a string"
            walk.findings.report("bad-operands", left, what, "look for a string: str(...)")
            return None
    elif _never_equal(a.kind, b.kind):
        what = f"'{op}' between {named(a.kind)} and {named(b.kind)} is always {'false' if op == '==' else 'true'}"
        hint = "write x in xs, or x not in xs" if "list" in (a.kind, b.kind) else "compare values of one kind"
        walk.findings.report("constant-condition", right, what, hint)
        return UNKNOWN
    return fold.compare(op, a.known, b.known) if a.constant and b.constant else UNKNOWN


def _never_equal(a: Kind, b: Kind) -> bool:
    """Whether values of these kinds differ for certain, of those that people compare by mistake."""
    comparable = [*NUMBERS, "str", "list"]
    return a in comparable and b in comparable and a != b and not {a, b} <= set(NUMBERS)


def _compare_hint(a: Value, b: Value) -> str:
    kinds = {a.kind, b.kind}
    if kinds & set(NUMBERS) and kinds & {"str", "list"}:
        return "compare its length: len(...)"
    return advice(a, advice(b, "compare numbers with numbers, strings with strings, lists with lists"))
