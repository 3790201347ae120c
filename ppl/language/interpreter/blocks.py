"""Branches and loops as closures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import nodes as n
from ..problems import OverLimit
from .comprehension import iterated
from .frame import Frame

if TYPE_CHECKING:
    from .statements import Signal, Statements


def if_(within: Statements, node: n.If) -> tuple[bool, Any]:
    branches = [(*within.test(test), *within.body(body)) for test, body in node.branches]
    otherwise = None if node.otherwise is None else within.body(node.otherwise)
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
                await within.await_all(f, hoists)
            if test(f):
                signal: Signal = (await body(f)) if waits else body(f)
                return signal
        if otherwise is None:
            return None
        waits, body = otherwise
        return (await body(f)) if waits else body(f)  # type: ignore[no-any-return]

    return True, wait


def for_(within: Statements, node: n.For) -> tuple[bool, Any]:
    hoists, source = within.expression(node.source)
    store = within.expressions.store(node.targets)
    waits, body = within.body(node.body)
    most, failed = within.limits.iterations, within.source.failed

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
            await within.await_all(f, hoists)
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


def while_(within: Statements, node: n.While) -> tuple[bool, Any]:
    hoists, test = within.test(node.test)
    waits, body = within.body(node.body)
    most, failed = within.limits.iterations, within.source.failed

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
                await within.await_all(f, hoists)
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


def too_often(most: int) -> OverLimit:
    return OverLimit("iterations", most, "the loop runs too often", "loops end: give it a bound or a `break`")
