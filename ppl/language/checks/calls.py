"""Calls: what is called, with which arguments, and where it may stand."""

from __future__ import annotations

from .. import nodes
from ..library.signature import Builtin, Kind
from .arguments import check_arguments
from .callbacks import check_callback
from .constraints import check_constraint, check_pattern
from .distributions import distribution
from .effects import check_effect, check_program
from .members import lookup_member
from .names import lookup
from .read import reads, value_of
from .signature import Bound, arguments_of, bind_arguments
from .top import Imported
from .value import ANY, DRAWABLE, PLAIN_STRING, Value, named
from .walk import Walk


@reads(nodes.Call)
def call(walk: Walk, node: nodes.Call) -> Value:
    callee = _callee(walk, node.function)
    values = [value_of(walk, a) for a in node.arguments]
    keywords = [value_of(walk, k.value) for k in node.keywords]
    shown = name_of(node.function)
    if isinstance(callee.of, Builtin):
        of = callee.of
        bound = bind_arguments(walk, node, shown, of.arguments, values, keywords, variadic=of.variadic)
        return _built_in(walk, node, shown, of, bound)
    if isinstance(callee.of, nodes.Definition):
        bind_arguments(walk, node, shown, arguments_of(callee.of), values, keywords, strict=True)
        if callee.of.kind == "program":
            check_program(walk, node, callee.of)
            return Value(of=node)
        return walk.top.returns.get(callee.of, ANY)
    if callee.kind not in ("any", "function", "reward") or isinstance(callee.of, Imported):
        _refuse(walk, node, callee, shown)
    return ANY


def _callee(walk: Walk, node: nodes.Expression) -> Value:
    if isinstance(node, nodes.Name):
        return lookup(walk, node)
    return lookup_member(walk, node) if isinstance(node, nodes.Member) else value_of(walk, node)


def name_of(node: nodes.Expression) -> str:
    """How what is called reads in a message."""
    if isinstance(node, nodes.Name):
        return node.id
    if isinstance(node, nodes.Member):
        return f"{node.value.id}.{node.name}" if isinstance(node.value, nodes.Name) else f".{node.name}"
    return "this"


def _refuse(walk: Walk, node: nodes.Call, callee: Value, shown: str) -> None:
    hint = _INSTEAD.get(callee.kind, "write it without parentheses, or call a function by its name")
    hint = hint.format(shown if isinstance(node.function, nodes.Name) else "value")
    what = "a file that is imported" if isinstance(callee.of, Imported) else named(callee.kind)
    if isinstance(node.function, nodes.Member) and not node.arguments and not node.keywords:
        hint = f"write {shown} without parentheses"
    elif isinstance(callee.of, Imported):
        hint = f"call one of its functions: {shown}.name(...)"
    elif callee.kind == "model":
        hint = f"write {shown}.text(...) for a text, {shown}.next(...) for a token"
    elif isinstance(node.function, nodes.Name) and node.function.id in walk.top.table.functions:
        hint = f"the variable {shown} hides the built-in: give it another name"
    walk.findings.report("not-callable", node.function, f"{shown} is {what} and cannot be called", hint)


_INSTEAD: dict[Kind, str] = {
    **dict.fromkeys(("int", "float"), "write {} * (...) to multiply"),
    **dict.fromkeys(("str", "list", "dict", "mask"), "write {}[...] for an item"),
    **dict.fromkeys(DRAWABLE, "draw from it: x ~ {}"),
    "context": "write str({}) for its text", "constraint": "write {}.matches(text) to test a text",
}


def _built_in(walk: Walk, node: nodes.Call, shown: str, of: Builtin, bound: Bound) -> Value:
    if of.effect:
        check_effect(walk, node, shown, of, bound)
    if bound.wrong:
        return Value(of.returns)
    if walk.top.table.distributions.get(of.name) is of:
        return distribution(walk, of.name, bound)
    check_arguments(walk, shown, of, bound)
    check_callback(walk, shown, of, bound)
    if of.returns == "constraint" and not isinstance(node.function, nodes.Member):
        check_constraint(walk, of, bound)
    elif "pattern" in bound.by:
        check_pattern(walk, bound)
    return _result(of, bound)


def _result(of: Builtin, bound: Bound) -> Value:
    """What is known of the result, beyond its kind."""
    given = [value for _, value in (*bound.by.values(), *bound.more)]
    if of.name in ("abs", "round", "sum", "min", "max") and of.returns in ("float", "any"):
        return ANY  # of whole numbers they are whole
    if of.name == "power":
        return Value(given[0].kind)
    if of.returns == "str":
        return PLAIN_STRING
    inside: Kind = _ITEMS.get(of.name, "any") if of.returns == "list" else "any"
    if of.returns == "list" and of.name in ("sorted", "reversed", "list") and given:
        inside = "str" if given[0].kind == "str" else given[0].inside
    if of.name == "range" and all(type(v.known) is int for v in given) and given:
        numbers = range(*(v.known for v in given)) if all(v.known != 0 for v in given[2:]) else range(0)
        if 0 < len(numbers) <= 1000:
            return Value("list", list(numbers), inside="int")
    return Value(of.returns, inside=inside)


_ITEMS: dict[str, Kind] = {
    "range": "int", "split": "str", "splitlines": "str", "words_of": "str", "sentences_of": "str", "enumerate": "list",
    "zip": "list", "encode": "int", "eos": "int",
}
