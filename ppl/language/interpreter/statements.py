"""Statements as closures: plain ones where nothing is awaited, coroutines where something is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ...effects import condition, factor, observe, sample, twist
from .. import nodes as n
from ..problems import OverLimit, Problem
from ..values import adopted, described, kind_of, traced
from .expressions import Evaluate, Expressions, Hoist, iterated
from .frame import Frame
from .programs import program_call

Signal = str | None
"""How a statement ended: None, "break", "continue" or "return"."""
Plain = Callable[[Frame], Signal]
Waiting = Callable[[Frame], Awaitable[Signal]]
Step = tuple[bool, Any, n.Node]
"""Whether it has to be awaited, the closure, and the statement."""


class Statements:
    """Compiles the statements of one definition. pure: of a `def`, in which nothing may be awaited."""

    def __init__(self, expressions: Expressions, pure: bool) -> None:
        self.expressions, self.pure = expressions, pure
        self.source, self.limits = expressions.source, expressions.globals.limits

    def body(self, body: n.Body) -> tuple[bool, Any]:
        """(whether it has to be awaited, the closure)."""
        steps = [self.statement(s) for s in body]
        failed = self.source.failed

        def over(meter: Any, node: n.Node) -> Exception:
            meter.left = 0
            try:
                meter.charge(1)
            except Problem as problem:
                return failed(node, problem)
            raise AssertionError

        if not any(waits for waits, _, _ in steps):
            def run(f: Frame) -> Signal:
                meter = f.meter
                for _, step, node in steps:
                    meter.left -= 1
                    if meter.left < 0:
                        raise over(meter, node)
                    f.here = node
                    signal: Signal = step(f)
                    if signal is not None:
                        return signal
                return None

            return False, run

        async def wait(f: Frame) -> Signal:
            meter = f.meter
            for waits, step, node in steps:
                meter.left -= 1
                if meter.left < 0:
                    raise over(meter, node)
                f.here = node
                signal: Signal = (await step(f)) if waits else step(f)
                if signal is not None:
                    return signal
            return None

        return True, wait

    def statement(self, node: n.Statement) -> Step:
        waits, step = _COMPILE[type(node)](self, node)
        return waits, step, node

    def expression(self, node: n.Expression) -> tuple[list[Hoist], Evaluate]:
        """The effects of an expression, which are awaited first, and the expression."""
        e = self.expressions
        e.hoists = None if self.pure else []
        value = e.compile(node)
        hoists, e.hoists = e.hoists or [], None
        return hoists, value

    def test(self, node: n.Expression) -> tuple[list[Hoist], Callable[[Frame], bool]]:
        e = self.expressions
        e.hoists = None if self.pure else []
        value = e.test(node)
        hoists, e.hoists = e.hoists or [], None
        return hoists, value

    async def await_all(self, f: Frame, hoists: Sequence[Hoist]) -> None:
        for make, slot, node in hoists:
            effect = make(f)
            answer = await effect
            try:
                f.values[slot] = adopted(answer, self.limits)
            except Exception as error:
                raise self.source.failed(node, error) from None

    def impure(self, node: n.Node, what: str) -> None:
        if self.pure:
            raise self.source.error(node, "effect", f"a `def` is a pure function: no {what} in it",
                                    "make it a `program` to draw and weigh")

    def site(self, node: n.String | None) -> Callable[[Frame], str | None]:
        """The name of a site; one that is interpolated needs no effects."""
        if node is None:
            return lambda f: None
        name = self.expressions.apart(node)
        return lambda f: str(name(f))

    def draw(self, node: n.Draw) -> tuple[bool, Any]:
        self.impure(node, "~")
        target, store = node.target.id, self.expressions.store([node.target])
        made = program_call(self.expressions, node.dist)
        hoists, dist = self.expression(node.dist) if made is None else made
        more, proposal = ([], None) if node.proposal is None else self.expression(node.proposal)
        hoists = [*hoists, *more]
        name = (lambda f: target) if node.site is None else self.site(node.site)
        failed = self.source.failed

        async def run(f: Frame) -> Signal:
            if hoists:
                await self.await_all(f, hoists)
            p = dist(f)
            q = None if proposal is None else proposal(f)
            site = name(f)
            try:
                effect = sample(p, site, q)
            except Exception as error:
                raise failed(node.dist, not_one(p, error)) from None
            value = await effect
            try:
                store(f, value if type(value) is float else adopted(value, self.limits))
            except Exception as error:
                raise failed(node, error) from None
            return None

        return True, run

    def observe(self, node: n.Observe) -> tuple[bool, Any]:
        self.impure(node, "observe")
        hoists, value = self.expression(node.value)
        more, dist = self.expression(node.dist)
        hoists, name, failed = [*hoists, *more], self.site(node.site), self.source.failed

        async def run(f: Frame) -> Signal:
            if hoists:
                await self.await_all(f, hoists)
            x, p, site = value(f), dist(f), name(f)
            try:
                effect = observe(p, x, site)
            except Exception as error:
                raise failed(node.dist, not_one(p, error)) from None
            await effect
            return None

        return True, run

    def weigh(self, node: n.Weigh) -> tuple[bool, Any]:
        self.impure(node, node.kind)
        name, failed = self.site(node.site), self.source.failed
        hoists, value = self.test(node.value) if node.kind == "condition" else self.expression(node.value)
        make: Any = {"condition": condition, "factor": factor, "twist": twist}[node.kind]
        number = node.kind != "condition"

        async def run(f: Frame) -> Signal:
            if hoists:
                await self.await_all(f, hoists)
            amount = value(f)
            if number and type(amount) is not float and not traced(amount):
                try:
                    if kind_of(amount) not in ("int", "float", "bool"):
                        raise Problem("kind", f"{node.kind} takes a number (nats), not {described(amount)}")
                    amount = float(amount)
                except Exception as error:
                    raise failed(node.value, error) from None
            await make(amount, name(f))
            return None

        return True, run

    def assign(self, node: n.Assign) -> tuple[bool, Any]:
        made = None if node.op else program_call(self.expressions, node.value)
        if made is not None:
            self.impure(node, "call of a program")
        hoists, value = self.expression(node.value) if made is None else made
        if node.op:
            target = node.targets[0]
            value = self.expressions.operation(node, node.op, self.expressions.compile(target), value)
        store = self.expressions.store(node.targets)

        if made is not None:
            async def enter(f: Frame) -> Signal:
                await self.await_all(f, hoists)
                answer = await value(f)
                store(f, adopted(answer, self.limits))
                return None

            return True, enter
        if hoists:
            async def wait(f: Frame) -> Signal:
                await self.await_all(f, hoists)
                store(f, value(f))
                return None

            return True, wait
        if len(node.targets) == 1:
            slot = self.expressions.scope.declare(node.targets[0].id)

            def one(f: Frame) -> Signal:
                f.values[slot] = value(f)
                return None

            return False, one

        def run(f: Frame) -> Signal:
            store(f, value(f))
            return None

        return False, run

    def evaluate(self, node: n.Evaluate) -> tuple[bool, Any]:
        made = program_call(self.expressions, node.value)
        if made is not None:
            self.impure(node, "call of a program")
        hoists, value = self.expression(node.value) if made is None else made
        if not hoists and made is None:
            def run(f: Frame) -> Signal:
                value(f)
                return None

            return False, run

        async def wait(f: Frame) -> Signal:
            await self.await_all(f, hoists)
            answer = value(f)
            if made is not None:
                await answer
            return None

        return True, wait

    def if_(self, node: n.If) -> tuple[bool, Any]:
        branches = [(*self.test(test), *self.body(body)) for test, body in node.branches]
        otherwise = None if node.otherwise is None else self.body(node.otherwise)
        if not any(hoists or waits for hoists, _, waits, _ in branches) and not (otherwise and otherwise[0]):
            pairs = [(test, body) for _, test, _, body in branches]
            last = None if otherwise is None else otherwise[1]

            def run(f: Frame) -> Signal:
                for test, body in pairs:
                    if test(f):
                        signal: Signal = body(f)
                        return signal
                return None if last is None else last(f)

            return False, run

        async def wait(f: Frame) -> Signal:
            for hoists, test, waits, body in branches:
                if hoists:
                    await self.await_all(f, hoists)
                if test(f):
                    signal: Signal = (await body(f)) if waits else body(f)
                    return signal
            if otherwise is None:
                return None
            waits, body = otherwise
            return (await body(f)) if waits else body(f)  # type: ignore[no-any-return]

        return True, wait

    def for_(self, node: n.For) -> tuple[bool, Any]:
        hoists, source = self.expression(node.source)
        store = self.expressions.store(node.targets)
        waits, body = self.body(node.body)
        most, failed = self.limits.iterations, self.source.failed

        def values(f: Frame) -> Any:
            whole = source(f)
            try:
                return iterated(whole)
            except Exception as error:
                raise failed(node.source, error) from None

        if not hoists and not waits:
            def run(f: Frame) -> Signal:
                for i, value in enumerate(values(f)):
                    if i >= most:
                        raise failed(node, too_often(most))
                    store(f, value)
                    signal = body(f)
                    if signal == "return":
                        return "return"
                    if signal == "break":
                        break
                return None

            return False, run

        async def wait(f: Frame) -> Signal:
            if hoists:
                await self.await_all(f, hoists)
            for i, value in enumerate(values(f)):
                if i >= most:
                    raise failed(node, too_often(most))
                store(f, value)
                signal = (await body(f)) if waits else body(f)
                if signal == "return":
                    return "return"
                if signal == "break":
                    break
            return None

        return True, wait

    def while_(self, node: n.While) -> tuple[bool, Any]:
        hoists, test = self.test(node.test)
        waits, body = self.body(node.body)
        most, failed = self.limits.iterations, self.source.failed

        if not hoists and not waits:
            def run(f: Frame) -> Signal:
                i = 0
                while test(f):
                    i += 1
                    if i > most:
                        raise failed(node, too_often(most))
                    signal = body(f)
                    if signal == "return":
                        return "return"
                    if signal == "break":
                        break
                return None

            return False, run

        async def wait(f: Frame) -> Signal:
            i = 0
            while True:
                f.here = node
                if hoists:
                    await self.await_all(f, hoists)
                if not test(f):
                    return None
                i += 1
                if i > most:
                    raise failed(node, too_often(most))
                signal = (await body(f)) if waits else body(f)
                if signal == "return":
                    return "return"
                if signal == "break":
                    return None

        return True, wait

    def return_(self, node: n.Return) -> tuple[bool, Any]:
        if node.value is None:
            return False, lambda f: "return"
        hoists, value = self.expression(node.value)

        if hoists:
            async def wait(f: Frame) -> Signal:
                await self.await_all(f, hoists)
                f.result = value(f)
                return "return"

            return True, wait

        def run(f: Frame) -> Signal:
            f.result = value(f)
            return "return"

        return False, run

    def jump(self, node: n.Jump) -> tuple[bool, Any]:
        signal = None if node.kind == "pass" else node.kind
        return False, lambda f: signal


def too_often(most: int) -> OverLimit:
    return OverLimit("iterations", most, "the loop runs too often", "loops end: give it a bound or a `break`")


def not_one(dist: Any, error: Exception) -> Exception:
    """What is wrong with what stands behind ~, in words of the language."""
    try:
        kind = kind_of(dist)
    except Problem:
        return error
    if kind in ("token", "text", "distribution"):
        return error
    if kind == "model":
        return Problem("kind", "a model is no distribution", "write lm.text(context, max_tokens=20) or lm.next(context)")
    return Problem("kind", f"~ needs a distribution, and this is {described(dist)}",
                   "such as Normal(0, 1), lm.text(context, max_tokens=20), or a call of a program")


_COMPILE: dict[type, Callable[[Any, Any], tuple[bool, Any]]] = {
    n.Draw: Statements.draw, n.Observe: Statements.observe, n.Weigh: Statements.weigh, n.Assign: Statements.assign,
    n.Evaluate: Statements.evaluate, n.If: Statements.if_, n.For: Statements.for_, n.While: Statements.while_,
    n.Return: Statements.return_, n.Jump: Statements.jump,
}
