"""Expressions as closures of a frame."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from .. import nodes as n
from ..comparing import COMPARISONS, truth
from ..indexing import indexed, sliced
from ..library import DISTRIBUTIONS, FUNCTIONS
from ..operators import BINARY, UNARY
from ..problems import Problem
from .calls import call
from .comprehension import comprehension
from .frame import UNSET, Frame
from .literals import dict_of, list_of, literal, string
from .members import member
from .scope import Globals, Scope
from .size import length

Evaluate = Callable[[Frame], Any]
Hoist = tuple[Evaluate, int, n.Node]
"""What makes an effect, the slot for its answer, and where it stands."""

_FAST = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_FAST_TESTS = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
               ">=": operator.ge}
_SMALL = 1 << 60
_PLAIN = frozenset({int, float, str})


class Expressions:
    """Compiles the expressions of one definition.

    hoists: where effects may stand, those found so far, in the order of their evaluation; None where they may not.
    Raises SteerError for names and calls that make no sense.
    """

    def __init__(self, around: Globals, scope: Scope) -> None:
        self.globals, self.scope = around, scope
        self.source = around.source
        self.hoists: list[Hoist] | None = None

    def compile(self, node: n.Expression) -> Evaluate:
        return _COMPILE[type(node)](self, node)

    def metered(self, node: n.Expression, value: Callable[[Frame], Any]) -> Callable[[Frame], Any]:
        """The same closure, which takes more steps where the expression is long."""
        steps, failed = length(node), self.source.failed
        if not steps:
            return value

        def run(f: Frame) -> Any:
            try:
                f.meter.charge(steps)
            except Problem as error:
                raise failed(node, error) from None
            return value(f)

        return run

    def apart(self, node: n.Expression) -> Evaluate:
        """An expression that is not always evaluated: no effects in it."""
        hoists, self.hoists = self.hoists, None
        try:
            return self.compile(node)
        finally:
            self.hoists = hoists

    def name(self, node: n.Name) -> Evaluate:
        name, slot, source = node.id, self.scope.find(node.id), self.source
        if slot is not None:
            def local(f: Frame) -> Any:
                value = f.values[slot]
                if value is UNSET:
                    raise source.error(node, "unset", f"{name!r} has no value yet",
                                       "give it one before it is used, in every branch")
                return value

            return local
        role = self.globals.roles.get(name)
        if role == "program":
            raise self.source.error(node, "effect", f"a call of the program {name!r} cannot stand inside an expression",
                                    f"write `x = {name}(...)` or `x ~ {name}(...)` in a line of its own")
        if role == "module":
            raise self.source.error(node, "kind", f"{name!r} is a file and no value", f"write {name}.something")
        if role is None:
            raise self.unknown(node)
        if role == "model" and name not in self.globals.values:
            raise self.source.error(node, "unknown-model", f"no model {name!r} is given",
                                    "whoever runs the program names its models; `lm` always exists")
        return self.of_globals(node, self.globals, name)

    def of_globals(self, node: n.Node, where: Globals, name: str) -> Evaluate:
        values, source = where.values, self.source

        def read(f: Frame) -> Any:
            try:
                return values[name]
            except KeyError:
                raise source.error(node, "unset", f"{name!r} has no value yet", "define it further up") from None

        return read

    def unknown(self, node: n.Name) -> Exception:
        if node.id in FUNCTIONS or node.id in DISTRIBUTIONS:
            return self.source.error(node, "kind", f"{node.id!r} is a built-in and no value",
                                     f"call it: {node.id}(...)")
        return self.source.error(node, "unknown-name", f"unknown name {node.id!r}",
                                 f"assign {node.id!r} first, or make it a parameter")

    def unary(self, node: n.Unary) -> Evaluate:
        op, operand, failed = UNARY[node.op], self.compile(node.operand), self.source.failed

        def run(f: Frame) -> Any:
            value = operand(f)
            try:
                return op(f.meter, value)
            except Exception as error:
                raise failed(node, error) from None

        return run

    def binary(self, node: n.Binary) -> Evaluate:
        return self.operation(node, node.op, self.compile(node.left), self.compile(node.right))

    def operation(self, node: n.Node, name: str, left: Evaluate, right: Evaluate) -> Evaluate:
        op, fast, failed = BINARY[name], _FAST.get(name), self.source.failed

        def run(f: Frame) -> Any:
            a, b = left(f), right(f)
            kind = type(a)
            if fast is not None and kind is type(b) and (
                kind is float or (kind is int and -_SMALL < a < _SMALL and -_SMALL < b < _SMALL)
            ):
                return fast(a, b)
            try:
                return op(f.meter, a, b)
            except Exception as error:
                raise failed(node, error) from None

        return run

    def logical(self, node: n.Logical) -> Evaluate:
        left, right, failed = self.compile(node.left), self.apart(node.right), self.source.failed
        decides = node.op == "or"

        def run(f: Frame) -> Any:
            value = left(f)
            try:
                decided = truth(value) is decides
            except Exception as error:
                raise failed(node.left, error) from None
            return value if decided else right(f)

        return run

    def test(self, node: n.Expression, apart: bool = False) -> Callable[[Frame], bool]:
        """An expression that decides something."""
        value, failed = (self.apart if apart else self.compile)(node), self.source.failed

        def run(f: Frame) -> bool:
            found = value(f)
            if found is True or found is False:
                return found
            try:
                return truth(found)
            except Exception as error:
                raise failed(node, error) from None

        return run

    def compare(self, node: n.Compare) -> Evaluate:
        first, (name, second) = self.compile(node.first), node.rest[0]
        steps = [(COMPARISONS[name], _FAST_TESTS.get(name), self.compile(second))]
        steps += [(COMPARISONS[op], _FAST_TESTS.get(op), self.apart(value)) for op, value in node.rest[1:]]
        failed = self.source.failed

        def run(f: Frame) -> Any:
            a, found = first(f), True
            for op, fast, value in steps:
                b = value(f)
                kind = type(a)
                if fast is not None and kind is type(b) and kind in _PLAIN:
                    found = fast(a, b)
                else:
                    try:
                        found = op(f.meter, a, b)
                    except Exception as error:
                        raise failed(node, error) from None
                if len(steps) > 1 and not found:
                    return found
                a = b
            return found

        return run

    def conditional(self, node: n.Conditional) -> Evaluate:
        test, then, otherwise = self.test(node.test), self.apart(node.then), self.apart(node.otherwise)
        return lambda f: then(f) if test(f) else otherwise(f)

    def index(self, node: n.Index) -> Evaluate:
        value, at, failed = self.compile(node.value), self.compile(node.index), self.source.failed

        def run(f: Frame) -> Any:
            whole, i = value(f), at(f)
            try:
                return indexed(f.meter, whole, i)
            except Exception as error:
                raise failed(node, error) from None

        return run

    def slice(self, node: n.Slice) -> Evaluate:
        value, failed = self.compile(node.value), self.source.failed
        bounds = [None if e is None else self.compile(e) for e in (node.start, node.stop, node.step)]

        def run(f: Frame) -> Any:
            whole = value(f)
            start, stop, step = [None if bound is None else bound(f) for bound in bounds]
            try:
                return sliced(f.meter, whole, start, stop, step)
            except Exception as error:
                raise failed(node, error) from None

        return run

    def store(self, targets: Sequence[n.Name]) -> Callable[[Frame, Any], None]:
        """Gives a value to one name, or the items of a list to several."""
        slots = [self.scope.declare(target.id) for target in targets]
        if len(slots) == 1:
            only = slots[0]

            def one(f: Frame, value: Any) -> None:
                f.values[only] = value

            return one
        source = self.source

        def several(f: Frame, value: Any) -> None:
            if not isinstance(value, list) or len(value) != len(slots):
                what = f"a list of {len(value)}" if isinstance(value, list) else "no list"
                raise source.error(targets[0], "value", f"{len(slots)} names need a list of {len(slots)} values, and "
                                                        f"this is {what}", "write one name, then test len(...)")
            for slot, item in zip(slots, value, strict=True):
                f.values[slot] = item

        return several


_COMPILE: dict[type, Callable[[Any, Any], Evaluate]] = {
    n.Number: literal, n.Constant: literal, n.String: string,
    n.Name: Expressions.name, n.ListOf: list_of, n.DictOf: dict_of, n.Unary: Expressions.unary,
    n.Binary: Expressions.binary, n.Logical: Expressions.logical, n.Compare: Expressions.compare,
    n.Conditional: Expressions.conditional, n.Call: call, n.Member: member, n.Index: Expressions.index,
    n.Slice: Expressions.slice, n.Comprehension: comprehension,
}
