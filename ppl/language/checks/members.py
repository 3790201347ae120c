"""Members, indices and slices."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from .. import nodes
from ..library.signature import Builtin
from .names import as_value, lookup
from .read import advice, reads, value_of
from .suggest import MEMBER_ALIASES, listed, meant
from .top import Imported
from .value import ANY, PLAIN_STRING, UNKNOWN, Value, constant, kind_of, named
from .walk import Walk

_CHANGING = {
    "append": "xs = xs + [x]", "extend": "xs = xs + ys", "insert": "xs = xs[:i] + [x] + xs[i:]", "add": "xs = xs + [x]",
    "pop": "xs = xs[:-1]", "remove": "xs = [x for x in xs if x != y]", "sort": "xs = sorted(xs)",
    "reverse": "xs = reversed(xs)", "update": "{...} with all entries", "clear": "xs = []",
    "setdefault": "d.get(key, default)",
}
_OF_DRAWN = ("finish", "stop", "tokens")
_INDEXED = ("any", "str", "list", "dict", "mask")


@reads(nodes.Member)
def member(walk: Walk, node: nodes.Member) -> Value:
    found = lookup_member(walk, node)
    if isinstance(found.of, Builtin):
        walk.findings.report(
            "not-called", node.name_span, f"{node.name!r} is a function", f"call it: .{node.name}(...)"
        )
        return ANY
    return as_value(walk, node, found)


def lookup_member(walk: Walk, node: nodes.Member) -> Value:
    """What a member is, where it may be called."""
    value = lookup(walk, node.value) if isinstance(node.value, nodes.Name) else value_of(walk, node.value)
    if node.name.startswith("_"):
        walk.findings.report(
            "private-member", node.name_span, f"{node.name!r} cannot be reached", "no member begins with an underscore"
        )
        return ANY
    if isinstance(value.of, Imported):
        return _imported(walk, node, value.of)
    if isinstance(node.value, nodes.Name):
        value = as_value(walk, node.value, value)
    if value.kind == "any":
        return ANY
    there = walk.top.table.members.get(value.kind, {})
    found = there.get(node.name)
    if found is None:
        message = f"{named(value.kind)} has no member {node.name!r}"
        walk.findings.report("unknown-member", node.name_span, message, _hint(node, value, there))
        return ANY
    if value.kind == "str" and value.inside == "str" and node.name in _OF_DRAWN:
        message = f"a string that was not drawn has no {node.name!r}"
        hint = f"keep what was drawn in a name of its own: x ~ lm.text(...), then x.{node.name}"
        walk.findings.report("unknown-member", node.name_span, message, hint)
    return Value(found.returns) if found.property else Value("function", of=found)


def _imported(walk: Walk, node: nodes.Member, file: Imported) -> Value:
    if file.names is None:
        return ANY
    if node.name not in file.names:
        hint = meant(node.name, file.names) or f"it defines {listed(file.names) or 'nothing'}"
        walk.findings.report("unknown-import", node.name_span, f"{file.module} does not define {node.name!r}", hint)
        return ANY
    return file.names[node.name]


def _hint(node: nodes.Member, value: Value, names: Collection[str]) -> str:
    if value.kind in ("list", "dict") and node.name in _CHANGING:
        return f"values never change: write {_CHANGING[node.name]}"
    if value.kind in ("list", "str", "dict") and node.name in ("length", "size", "len", "count_words"):
        return "write len(...)"
    if value.kind in ("text", "token", "distribution") and node.name in ("finish", "stop", "text"):
        return "draw from it first: x ~ ..."
    if near := meant(node.name, names, MEMBER_ALIASES):
        return near
    return f"its members are {listed(names)}" if names else advice(value, "it has none: call a function, as in len(x)")


@reads(nodes.Index)
def index(walk: Walk, node: nodes.Index) -> Value:
    value, at = value_of(walk, node.value), value_of(walk, node.index)
    if _refused(walk, node.value, value):
        return ANY
    if value.kind in ("str", "list", "mask") and at.kind not in ("any", "int"):
        whole = "use // for whole division, or int(...)"
        hint = whole if at.kind == "float" else "for example [0], or [-1] for the last"
        message = f"an index into {named(value.kind)} has to be a whole number, got {named(at.kind)}"
        walk.findings.report("wrong-kind", node.index, message, hint)
        return ANY
    if value.constant and at.constant:
        try:
            item = value.known[at.known]
        except (LookupError, TypeError):
            return ANY
        return constant(item) if kind_of(item) != "any" else ANY
    if value.kind == "str":
        return PLAIN_STRING
    return Value(value.inside) if value.kind == "list" else Value("bool") if value.kind == "mask" else ANY


@reads(nodes.Slice)
def slice_of(walk: Walk, node: nodes.Slice) -> Value:
    value = value_of(walk, node.value)
    bounds = [None if p is None else (p, value_of(walk, p)) for p in (node.start, node.stop, node.step)]
    if _refused(walk, node.value, value):
        return ANY
    if value.kind in ("dict", "mask"):
        walk.findings.report("not-indexable", node.value, f"{named(value.kind)} has no slices",
                             "write d[key]" if value.kind == "dict" else "write mask[token]")
        return ANY
    for bound in bounds:
        if bound is not None and bound[1].kind not in ("any", "int", "none"):
            message = f"a bound of a slice has to be a whole number, got {named(bound[1].kind)}"
            hint = "for example [1:3]; use // for whole division, or int(...)"
            walk.findings.report("wrong-kind", bound[0], message, hint)
    known = [None if b is None else b[1].known for b in bounds]
    if value.kind == "str":
        value = replace(value, inside="str")
    elif value.kind != "list":
        return ANY
    if value.constant and UNKNOWN not in known and known[2] != 0 and all(k is None or type(k) is int for k in known):
        return Value(value.kind, value.known[slice(*known)], inside=value.inside)
    return Value(value.kind, inside=value.inside)


def _refused(walk: Walk, node: nodes.Expression, value: Value) -> bool:
    """Whether the value has no items to index; reported."""
    if value.kind not in _INDEXED:
        hint = "call it with (...), not [...]" if value.kind == "function" else advice(
            value, "[...] reads a string, a list, a dict or a mask")
        walk.findings.report("not-indexable", node, f"{named(value.kind)} has no items", hint)
        return True
    return False
