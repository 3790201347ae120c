"""Calls of built-ins and definitions."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...effects import call as call_effect
from .. import nodes as n
from ..kinds import kind_of, named
from ..library import DISTRIBUTIONS, FUNCTIONS
from ..library.signature import Builtin
from ..problems import Problem
from .binding import advised, bound, check
from .definitions import Def, parameters
from .frame import Frame
from .members import call_of_member
from .parts import arguments, hoisted, module_of
from .scope import Globals

if TYPE_CHECKING:
    from .expressions import Evaluate, Expressions


def call(within: Expressions, node: n.Call) -> Evaluate:
    """A call inside an expression. One that makes an effect is hoisted: the statement awaits it first."""
    function = node.function
    if isinstance(function, n.Name) and within.scope.find(function.id) is None:
        return _of_name(within, node, within.globals, function, function.id)
    if isinstance(function, n.Member):
        if (module := module_of(within, function)) is not None:
            return _of_name(within, node, module, function, function.name)
        return call_of_member(within, node, function)
    return _of_value(within, node, within.compile(function))


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
                              f"did you mean {close[0]!r}?" if close else f"write `def {name}(...)` further up")


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
                raise Problem("kind", f"{named(kind_of(target))} cannot be called",
                              "only what `def` has named is called: give it a def")
            count = len(node.arguments)
            order = parameters(target.definition, count, keywords)
            return target.enter(f.meter, [target.value(i, given, place) for i, place in enumerate(order)])
        except Exception as error:
            raise failed(node, error) from None

    return run
