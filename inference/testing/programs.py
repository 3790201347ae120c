"""The programs of the oracle models."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from steersman.models import TableLM
from steersman.models.context import Context
from steersman.models.tokens import TokenDistribution
from steersman.ppl.effects import condition, factor, observe, sample, twist, unfold
from steersman.ppl.program import program
from steersman.ppl.text import Text

Line = tuple[int, ...]


@program
async def sentence(lm: TableLM, how: str, length: int) -> Line:
    """No token twice in a row; 2 is rewarded at once and punished at the end, odd lengths near three are wanted."""
    context = lm.context()
    out: list[int] = []
    while len(out) < length:
        target = lm.next(context)
        last = out[-1] if out else None
        token = await sample(target, "token", proposal=_propose(target, last, len(out)) if how == "proposal" else None)
        if token in lm.eos:
            break
        await condition(token != last, "no repetition")
        out.append(token)
        context = context + token
        await factor(1.2 if token == 2 else -1.2 if out.count(3) > 1 else 0.3, "step")
        if how == "twist":
            await twist(1.0 if token == 3 else -0.5 * len(out), "ahead")
    await factor(0.9 * (len(out) % 2) - 0.4 * abs(len(out) - 3) - 1.5 * (out[:1] == [2]), "final")
    return tuple(out)


def _propose(target: TokenDistribution, last: int | None, t: int) -> TokenDistribution:
    """Masked everywhere (all that may follow), hotter at even positions and colder at odd ones."""
    allowed = np.ones(target.lm.vocab_size, np.bool_)
    if last is not None:
        allowed[last] = False
    return target.masked(allowed).tempered(1.8 if t % 2 == 0 else 0.8)


@program
async def crossroads(lm: TableLM) -> Line:
    """The end-of-text token finishes at once with a large factor, 1 dies at once, anything else has five rounds."""
    context = lm.context()
    first = await sample(lm.next(context), "first")
    if first in lm.eos:
        await factor(1.2, "early end")
        return ()
    await condition(first != 1, "not one")
    out = [first]
    for _ in range(4):
        context = context + out[-1]
        token = await sample(lm.next(context), "more")
        if token in lm.eos:
            return tuple(out)  # without a factor of its own: its weight must stay what it was
        out.append(token)
        await factor(0.8 if token > out[-2] else -0.9, "climb")
    await factor(-0.7 * out.count(1), "few ones")
    return tuple(out)


@program
async def stanza(lm: TableLM, form: str) -> tuple[Line, ...]:
    """Two lines of at most two tokens, written down in three ways that must give the same particles."""
    if form == "flat":
        lines: tuple[Line, ...] = ()
        for _ in range(2):
            line: Line = ()
            for _ in range(2):
                token = await sample(lm.next(_context(lm, lines, line)), "token")
                if token in lm.eos:
                    break
                line = (*line, token)
                await factor(_beat(line), "beat")
            await factor(_rhyme(lines, line), "rhyme")
            lines = (*lines, line)
        return lines
    if form == "sub":
        lines = ()
        for _ in range(2):
            lines = (*lines, await verse(lm, lines))
        return lines
    state = await unfold(_Verses(lm), (), _both, "verses")
    return tuple(state)


@program
async def verse(lm: TableLM, before: tuple[Line, ...]) -> Line:
    line: Line = ()
    for _ in range(2):
        token = await sample(lm.next(_context(lm, before, line)), "token")
        if token in lm.eos:
            break
        line = (*line, token)
        await factor(_beat(line), "beat")
    await factor(_rhyme(before, line), "rhyme")
    return line


class _Verses:
    """One step of the unfold: the state is the lines so far."""

    def __init__(self, lm: TableLM) -> None:
        self.lm = lm

    async def __call__(self, lines: tuple[Line, ...]) -> tuple[Line, ...]:
        return (*lines, await verse(self.lm, lines))


def _both(lines: tuple[Line, ...]) -> bool:
    return len(lines) == 2


def _context(lm: TableLM, lines: tuple[Line, ...], line: Line) -> Context:
    return lm.context() + [t for past in (*lines, line) for t in past]


def _beat(line: Line) -> float:
    return 1.1 if line[-1] == len(line) else -0.6


def _rhyme(lines: tuple[Line, ...], line: Line) -> float:
    return 1.3 if lines and lines[-1][-1:] == line[-1:] else -0.4 * len(line)


@program
async def letters(lm: TableLM, draft: TableLM, critic: TableLM, how: str) -> tuple[Text, Text]:
    proposal = draft.text("b", stop="ca", max_tokens=3, temperature=1.3) if how == "proposal" else None
    first: Text = await sample(lm.text("a", stop="ca", max_tokens=3), "first", proposal=proposal)
    await factor({"stop": 1.2, "eos": -0.6, "length": 0.4}[first.finish], "end")
    second: Text = await sample(lm.text(lm.context("a") + first, max_tokens=2, temperature=0.8), "second")
    await observe(critic.text(critic.context(str(first)), max_tokens=2), second, "critic")
    await factor(0.9 if str(second)[:1] == str(first)[:1] else -0.5, "echo")
    return first, second


def step_reward(token: int) -> float:
    """A process reward r in (0, 1): the model believes in 1 and doubts 2."""
    return 0.9 if token == 1 else 0.15


@program
async def telegram(lm: TableLM, mode: str) -> Line:
    """emission: the product of the step rewards is part of the target. telescoping: step rewards only look ahead (a
    twist), the reward of the last step is the target."""
    context = lm.context()
    out: list[int] = []
    for _ in range(3):
        token = await sample(lm.next(context), "token")
        if token in lm.eos:
            break
        out.append(token)
        context = context + token
        log_r = math.log(step_reward(token))
        if mode == "emission":
            await factor(log_r, "reward")
        else:
            await twist(log_r, "reward")
    if mode == "telescoping" and out:
        await factor(math.log(step_reward(out[-1])), "final reward")
    return tuple(out)


@program
async def coins(lm: TableLM, count: int) -> Line:
    context = lm.context()
    out: list[int] = []
    for _ in range(count):
        coin = await sample(lm.next(context), "coin")
        await condition(coin == 1, "heads")
        out.append(coin)
        context = context + coin
    return tuple(out)


def hand_sum(lm: TableLM, length: int) -> dict[Line, float]:
    """The unnormalised measure of `sentence`, summed by hand: p(tokens) times factors, in no way by the engine.

    Written as plain loops over the table so that the enumeration has something independent to agree with.
    """
    measure: dict[Line, float] = {}

    def visit(tokens: Line, mass: float) -> None:
        log_final = 0.9 * (len(tokens) % 2) - 0.4 * abs(len(tokens) - 3) - 1.5 * (tokens[:1] == (2,))
        if len(tokens) == length:
            measure[tokens] = mass * math.exp(log_final)
            return
        row: Any = np.exp(lm.next_log_probs([tokens], None, None)[0])
        for token, p in enumerate(row.tolist()):
            if token in lm.eos:
                measure[tokens] = mass * p * math.exp(log_final)
            elif not tokens or token != tokens[-1]:
                longer = (*tokens, token)
                log_step = 1.2 if token == 2 else -1.2 if longer.count(3) > 1 else 0.3
                visit(longer, mass * p * math.exp(log_step))

    visit((), 1.0)
    return measure
