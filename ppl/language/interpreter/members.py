"""Members of values: reading properties, and calling functions."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from .. import nodes as n
from ..kinds import kind_of, named
from ..library import MEMBERS
from ..library.signature import Builtin
from ..problems import Problem
from .binding import advised, bound, check
from .frame import Frame
from .parts import arguments, hoisted, module_of

if TYPE_CHECKING:
    from .expressions import Evaluate, Expressions

EFFECTS = frozenset(name for members in MEMBERS.values() for name, builtin in members.items() if builtin.effect)
"""Members that make effects: no kind of value has another member of such a name."""


def call_of_member(within: Expressions, node: n.Call, function: n.Member) -> Evaluate:
    """`value.name(...)`: which built-in that is depends on the kind of the value."""
    owner = within.compile(function.value)
    values, keywords = arguments(within, node)
    count, name = len(node.arguments), function.name
    plans: dict[str, Any] = {}
    failed = within.source.failed

    def run(f: Frame) -> Any:
        whole = owner(f)
        given = [value(f) for value in values]
        meter, kind = f.meter, ""
        try:
            kind = kind_of(whole)
            if kind not in plans:
                builtin = find_member(kind, name)
                if builtin.property:
                    raise Problem("arguments", f".{name} is no function", f"write .{name} without parentheses")
                plans[kind] = builtin, bound(builtin, count, keywords)
            builtin, plan = plans[kind]
            meter.charge(1)
            check(builtin, plan, given)
            named_ = dict(zip(keywords, given[count:], strict=True)) if keywords else {}
            if builtin.metered:
                return builtin.function(meter, whole, *given[:count], **named_)
            return builtin.function(whole, *given[:count], **named_)
        except _NoMember as error:
            raise failed(function, error) from None
        except Exception as error:
            raise failed(node, advised(plans[kind][0], error) if kind in plans else error) from None

    return hoisted(within, node, run) if name in EFFECTS else run


def member(within: Expressions, node: n.Member) -> Evaluate:
    """`value.name` without a call: a property, or something of another file."""
    if (module := module_of(within, node)) is not None:
        role = module.roles.get(node.name)
        if role not in ("constant", "def"):
            what = "it is a program: call it in a line of its own" if role == "program" else (
                "it has " + (", ".join(sorted(map(str, module.roles))) or "nothing"))
            raise within.source.error(node, "unknown-name", f"the file has no value {node.name!r}", what)
        return within.of_globals(node, module, node.name)
    owner, name, failed = within.compile(node.value), node.name, within.source.failed

    def run(f: Frame) -> Any:
        whole = owner(f)
        try:
            builtin = find_member(kind_of(whole), name)
            if not builtin.property:
                raise Problem("kind", f".{name} is a function", f"call it: .{name}(...)")
            return builtin.function(f.meter, whole) if builtin.metered else builtin.function(whole)
        except Exception as error:
            raise failed(node, error) from None

    return run


class _NoMember(Problem):
    """There is no member of this name."""


def find_member(kind: str, name: str) -> Builtin:
    """Raises Problem, with the closest names."""
    members: dict[str, Builtin] = MEMBERS.get(kind, {})  # type: ignore[call-overload]
    if name in members:
        return members[name]
    close = difflib.get_close_matches(name, members, 1)
    hint = _ADVICE.get(name) or (f"did you mean .{close[0]}?" if close else None)
    if hint is None:
        hint = f"it has {', '.join('.' + m for m in sorted(members))}" if members else "it has no members"
    raise _NoMember("unknown-member", f"{named(kind)} has no .{name[:40]}", hint)


_CHANGED = "values are never changed: write xs = xs + [x]"
_ADVICE = {
    "append": _CHANGED, "extend": "values are never changed: write xs = xs + ys", "insert": _CHANGED, "pop": _CHANGED,
    "remove": _CHANGED, "sort": "sorted(xs) gives a sorted list", "reverse": "reversed(xs) gives the list reversed",
    "format": 'write "{value}": every text interpolates', "update": "values are never changed",
    "next_token": "write token ~ lm.next(context)", "sample": "write x ~ distribution",
    "log_prob": "write observe x ~ distribution",
}
