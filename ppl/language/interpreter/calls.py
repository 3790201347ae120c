"""Calls, of built-ins and definitions, and reading members."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...effects import call as call_effect
from .. import nodes as n
from ..library import DISTRIBUTIONS, FUNCTIONS, MEMBERS
from ..library.signature import Builtin
from ..problems import Problem
from ..values import kind_of, named
from .binding import advised, bound, check
from .definitions import Def, parameters
from .frame import Frame
from .scope import Globals

if TYPE_CHECKING:
    from .expressions import Evaluate, Expressions

EFFECTS = frozenset(name for members in MEMBERS.values() for name, builtin in members.items() if builtin.effect)
"""Members that make effects: no kind of value has another member of such a name."""


def call(within: Expressions, node: n.Call) -> Evaluate:
    """A call inside an expression. One that makes an effect is hoisted: the statement awaits it first."""
    function = node.function
    if isinstance(function, n.Name) and within.scope.find(function.id) is None:
        return _of_name(within, node, within.globals, function, function.id)
    if isinstance(function, n.Member):
        if (module := module_of(within, function)) is not None:
            return _of_name(within, node, module, function, function.name)
        return _of_member(within, node, function)
    return _of_value(within, node, within.compile(function))


def module_of(within: Expressions, node: n.Member) -> Globals | None:
    """The file whose member this is, if it is one."""
    owner = node.value
    if not isinstance(owner, n.Name) or within.scope.find(owner.id) is not None:
        return None
    if within.globals.roles.get(owner.id) != "module":
        return None
    found: Globals = within.globals.values[owner.id]
    return found


def _of_name(within: Expressions, node: n.Call, where: Globals, at: n.Node, name: str) -> Evaluate:
    role = where.roles.get(name)
    if role == "def":
        return _of_def(within, node, where, name)
    if role == "program":
        raise within.source.error(node, "effect", f"a call of the program {name!r} cannot stand inside an expression",
                                  f"write `x = {name}(...)` or `x ~ {name}(...)` in a line of its own")
    if role is not None:
        return _of_value(within, node, within.of_globals(at, where, name))
    if where is within.globals:
        if name in FUNCTIONS:
            return _of_builtin(within, node, FUNCTIONS[name])
        if name in DISTRIBUTIONS:
            return _of_builtin(within, node, DISTRIBUTIONS[name])
    close = difflib.get_close_matches(name, [*where.roles, *FUNCTIONS], 1)
    raise within.source.error(at, "unknown-name", f"unknown function {name!r}",
                              f"did you mean {close[0]!r}?" if close else None)


def arguments(within: Expressions, node: n.Call) -> tuple[list[Evaluate], tuple[str, ...]]:
    """The closures of all values, those of keywords last, and the names of these."""
    values = [within.compile(a) for a in node.arguments] + [within.compile(k.value) for k in node.keywords]
    return values, tuple(k.name for k in node.keywords)


def _of_builtin(within: Expressions, node: n.Call, builtin: Builtin) -> Evaluate:
    values, keywords = arguments(within, node)
    count = len(node.arguments)
    try:
        plan = bound(builtin, count, keywords)
    except Problem as problem:
        raise within.source.failed(node, problem) from None
    function, metered, failed = builtin.function, builtin.metered, within.source.failed
    if builtin.name == "reward" and builtin.effect:
        function = _reward(within.globals)

    def run(f: Frame) -> Any:
        given = [value(f) for value in values]
        meter = f.meter
        try:
            meter.charge(1)
            check(builtin, plan, given)
            if keywords:
                named_ = dict(zip(keywords, given[count:], strict=True))
                return (function(meter, *given[:count], **named_) if metered else function(*given[:count], **named_))
            return function(meter, *given) if metered else function(*given)
        except Exception as error:
            raise failed(node, advised(builtin, error)) from None

    return hoisted(within, node, run) if builtin.effect else run


def _reward(around: Globals) -> Callable[..., Any]:
    def reward(meter: Any, name: str, *items: Any) -> Any:
        if name not in around.rewards:
            known = ", ".join(sorted(map(repr, around.rewards))) or "none"
            raise Problem("unknown-reward", f"there is no reward {name[:40]!r}", f"the runner provides: {known}")
        return call_effect(around.rewards[name], *items)

    return reward


def hoisted(within: Expressions, node: n.Node, make: Evaluate) -> Evaluate:
    """Let the statement await what `make` makes, before the rest of the expression is evaluated."""
    if within.hoists is None:
        raise within.source.error(node, "effect", "this effect cannot stand here: not in a `def`, a constant, a "
                                                  "comprehension, a branch, or on the right side of and/or",
                                  "write `x = ...` in a line of its own, in a program")
    slot = within.scope.temporary()
    within.hoists.append((make, slot, node))
    return lambda f: f.values[slot]


def _of_member(within: Expressions, node: n.Call, function: n.Member) -> Evaluate:
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
            what = "it is a program: call it in a line of its own" if role == "program" else None
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
    hint = f"did you mean .{close[0]}?" if close else _ADVICE.get(name)
    if hint is None:
        hint = f"it has {', '.join('.' + m for m in sorted(members))}" if members else "it has no members"
    raise _NoMember("unknown-member", f"{named(kind)} has no .{name[:40]}", hint)


_CHANGED = "values are never changed: write xs = xs + [x]"
_ADVICE = {
    "append": _CHANGED, "extend": "values are never changed: write xs = xs + ys", "insert": _CHANGED, "pop": _CHANGED,
    "remove": _CHANGED, "sort": "sorted(xs) gives a sorted list", "reverse": "reversed(xs) gives the list reversed",
    "format": 'write "{value}": every text interpolates', "update": "values are never changed",
    "sample": "write x ~ distribution", "log_prob": "write observe x ~ distribution",
}


def _of_def(within: Expressions, node: n.Call, where: Globals, name: str) -> Evaluate:
    values, keywords = arguments(within, node)
    failed, read, count = within.source.failed, within.of_globals(node, where, name), len(node.arguments)
    order: list[int | None] = []

    def run(f: Frame) -> Any:
        function: Def = read(f)
        given = [value(f) for value in values]
        try:
            if len(order) != len(function.definition.parameters):
                order[:] = parameters(function.definition, count, keywords)
            return function.enter(f.meter, [function.value(i, given, place) for i, place in enumerate(order)])
        except Exception as error:
            raise failed(node, error) from None

    return run


def _of_value(within: Expressions, node: n.Call, function: Evaluate) -> Evaluate:
    """A call of what a name stands for while the program runs: a `def` that was passed on."""
    values, keywords = arguments(within, node)
    failed = within.source.failed

    def run(f: Frame) -> Any:
        target = function(f)
        given = [value(f) for value in values]
        try:
            if not isinstance(target, Def):
                raise Problem("kind", f"{named(kind_of(target))} cannot be called")
            count = len(node.arguments)
            order = parameters(target.definition, count, keywords)
            return target.enter(f.meter, [target.value(i, given, place) for i, place in enumerate(order)])
        except Exception as error:
            raise failed(node, error) from None

    return run
