"""Statements as closures: plain ones where nothing is awaited, coroutines where something is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from .. import nodes as n
from ..problems import Problem
from ..values import adopted
from .blocks import for_, if_, while_
from .expressions import Evaluate, Expressions, Hoist
from .frame import Frame
from .programs import program_call
from .weighing import draw, observe_, weigh

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
        value = e.metered(node, e.compile(node))
        hoists, e.hoists = e.hoists or [], None
        return hoists, value

    def test(self, node: n.Expression) -> tuple[list[Hoist], Callable[[Frame], bool]]:
        e = self.expressions
        e.hoists = None if self.pure else []
        value = e.metered(node, e.test(node))
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
        name = self.expressions.metered(node, self.expressions.apart(node))
        return lambda f: str(name(f))

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


_COMPILE: dict[type, Callable[[Any, Any], tuple[bool, Any]]] = {
    n.Draw: draw, n.Observe: observe_, n.Weigh: weigh, n.Assign: Statements.assign,
    n.Evaluate: Statements.evaluate, n.If: if_, n.For: for_, n.While: while_,
    n.Return: Statements.return_, n.Jump: Statements.jump,
}
