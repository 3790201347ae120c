"""Small programs whose executions can all be listed: variable length, factors, sub-programs, texts, proposals."""

from __future__ import annotations

from typing import Any

from exhaustive import Table, coin

from steersman.models import TableLM
from steersman.ppl import condition, factor, observe, program, sample, twist, unfold

LM = TableLM.random(3, order=2, seed=1)  # <eos>, a, b
JUDGE = TableLM.random(3, order=3, seed=2)


@program
async def spelled(n: int = 3) -> str:
    """Tokens one by one until the end or n, a factor at each, and one on the length."""
    ctx = LM.context("a")
    for i in range(n):
        token = await sample(LM.next(ctx), "token")
        if token in LM.eos:
            break
        ctx = ctx + token
        await factor(0.4 if token == 1 else -0.7, "likes-a")
        await twist(0.3 * i)
    await factor(-0.5 * len(ctx), "length")
    return str(ctx)


@program
async def steered(n: int = 3) -> str:
    """The same with a proposal that is masked to letters at first, and twice as hot later."""
    ctx = LM.context("b")
    for i in range(n):
        proposal = LM.next(ctx).masked([1, 2]) if i == 0 else LM.next(ctx, temperature=2.0)
        token = await sample(LM.next(ctx), "token", proposal)
        if token in LM.eos:
            break
        ctx = ctx + token
        await twist(-1.3 * i + 0.2)
    await condition(len(str(ctx)) > 1, "not-empty")
    return str(ctx)


@program
async def named(first: str) -> str:
    middle = await sample(LM.text(first, max_tokens=2, stop="b"), "middle")
    await twist(0.7)
    await observe(JUDGE.text(first, max_tokens=2, stop="b"), middle)
    return first + middle


@program
async def nested() -> tuple[str, str]:
    """A choice that decides which sub-program runs, texts in scopes, twists in both."""
    kind = await sample(Table(x=0.2, y=0.8), "kind")
    await twist(2.0 if kind == "x" else -0.3)
    a = await named("a") if kind == "x" else await sample(spelled(2), "named")
    b = await sample(Table(x=0.5, y=0.5) if kind == "x" else Table(y=0.3, z=0.7), "b", Table(x=0.1, y=0.5, z=0.4))
    await factor(-1.0 * len(a), "short")
    return a, b


@program
async def told() -> str:
    """A text drawn from another prompt at another temperature than it is judged by."""
    which = await sample(coin(0.3), "which")
    prompt = "ab" if which == "heads" else ""
    text = await sample(
        JUDGE.text("b", max_tokens=3, stop="ba"), "line",
        proposal=LM.text(prompt, max_tokens=5, temperature=1.7),
    )
    await factor(0.9 if text.finish == "eos" else -0.2)
    return text


@program
async def folded() -> tuple[Any, ...]:
    """An explicit-state loop of texts."""

    @program
    async def step(state: tuple[str, ...]) -> tuple[str, ...]:
        word = await sample(LM.text("".join(state), max_tokens=2), "word")
        await factor(-0.3 * len(word))
        return (*state, word)

    return await unfold(step, (), lambda s: len(s) == 2 or (len(s) > 0 and s[-1] == "a"), "words")


@program
async def favoured() -> str:
    """A proposal that leads to a phrase."""
    text = LM.text("a", max_tokens=3)
    line = await sample(text, "line", proposal=text.favouring("ba"))
    await condition("b" in line)
    return line


ALL = [spelled(), steered(), nested(), told(), folded(), favoured()]
