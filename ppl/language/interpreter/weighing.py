"""The statements that draw and weigh, as coroutines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...effects import condition, factor, observe, sample, twist
from .. import nodes as n
from ..kinds import described, kind_of, traced
from ..problems import Problem
from ..values import adopted
from .frame import Frame
from .programs import program_call

if TYPE_CHECKING:
    from .statements import Signal, Statements


def draw(within: Statements, node: n.Draw) -> tuple[bool, Any]:
    within.impure(node, "~")
    target, store = node.target.id, within.expressions.store([node.target])
    made = program_call(within.expressions, node.dist)
    hoists, dist = within.expression(node.dist) if made is None else made
    more, proposal = ([], None) if node.proposal is None else within.expression(node.proposal)
    hoists = [*hoists, *more]
    name = (lambda f: target) if node.site is None else within.site(node.site)
    failed = within.source.failed

    async def run(f: Frame) -> Signal:
        if hoists:
            await within.await_all(f, hoists)
        p = dist(f)
        q = None if proposal is None else proposal(f)
        site = name(f)
        try:
            effect = sample(p, site, q)
        except Exception as error:
            raise failed(node.dist, not_one(p, error)) from None
        value = await effect
        try:
            store(f, value if type(value) is float else adopted(value, within.limits))
        except Exception as error:
            raise failed(node, error) from None
        return None

    return True, run


def observe_(within: Statements, node: n.Observe) -> tuple[bool, Any]:
    within.impure(node, "observe")
    hoists, value = within.expression(node.value)
    more, dist = within.expression(node.dist)
    hoists, name, failed = [*hoists, *more], within.site(node.site), within.source.failed

    async def run(f: Frame) -> Signal:
        if hoists:
            await within.await_all(f, hoists)
        x, p, site = value(f), dist(f), name(f)
        try:
            if isinstance(x, str) and hasattr(p, "spelled"):
                p.lm.tokens_of(x)  # what the model cannot spell is reported here, with its place
            effect = observe(p, x, site)
        except Exception as error:
            raise failed(node.dist, not_one(p, error)) from None
        await effect
        return None

    return True, run


def weigh(within: Statements, node: n.Weigh) -> tuple[bool, Any]:
    within.impure(node, node.kind)
    name, failed = within.site(node.site), within.source.failed
    hoists, value = within.test(node.value) if node.kind == "condition" else within.expression(node.value)
    make: Any = {"condition": condition, "factor": factor, "twist": twist}[node.kind]
    number = node.kind != "condition"

    async def run(f: Frame) -> Signal:
        if hoists:
            await within.await_all(f, hoists)
        amount = value(f)
        if number and type(amount) is not float and not traced(amount):
            try:
                if kind_of(amount) not in ("int", "float", "bool"):
                    raise Problem("kind", f"{node.kind} takes a number (nats), not {described(amount)}",
                                  'for example log(0.5) or reward("name", text)')
                amount = float(amount)
            except Exception as error:
                raise failed(node.value, error) from None
        await make(amount, name(f))
        return None

    return True, run


def not_one(dist: Any, error: Exception) -> Exception:
    """What is wrong with what stands behind ~, in words of the language."""
    try:
        kind = kind_of(dist)
    except Problem:
        return error
    if kind in ("token", "text", "distribution"):
        return error
    if kind == "model":
        return Problem("kind", "a model is no distribution", "lm.next(context) and lm.text(context, max_tokens=20) are")
    return Problem("kind", f"~ needs a distribution, and this is {described(dist)}",
                   "for example Normal(0, 1), lm.text(context, max_tokens=20), or a call of a program")
