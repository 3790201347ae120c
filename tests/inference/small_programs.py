"""Programs of a handful of executions each, so that all random choices of a sweep of particles can be enumerated."""

from __future__ import annotations

from typing import Any

from steersman.inference.testing import OracleModel
from steersman.models import TableLM
from steersman.ppl import Text, factor, program, sample, twist, unfold

LETTERS = TableLM.random(2, seed=31, scale=0.7)
DRAFT = TableLM.random(2, seed=32, scale=0.7)
NUMBERS = TableLM([0.2, -0.3, 0.4], eos=None, vocabulary=["x", "y", "z"])
COIN = TableLM([0.3, -0.3], eos=None, vocabulary=["t", "h"])


@program
async def word(lm: TableLM, draft: TableLM, coin: TableLM, how: str) -> tuple[str, int]:
    """A text of at most two tokens that ends early or not, a twist that misleads, a coin, factors that disagree."""
    proposal: Any = draft.text("a", max_tokens=2, temperature=1.5) if how == "proposal" else None
    text: Text = await sample(lm.text("", max_tokens=2), "word", proposal=proposal)
    await factor(0.9 * len(text) - 0.4, "letters")
    if how == "twist":
        await twist(1.3 if not text else -0.8, "ahead")
    side = await sample(coin.next("t" * len(text)), "side")
    await factor(1.1 if side == len(text) % 2 else -0.7, "match")
    return str(text), side


@program
async def toss(coin: TableLM, so_far: tuple[int, ...]) -> tuple[int, ...]:
    side = await sample(coin.next("t" * len(so_far)), "side")
    await factor(0.8 if so_far and side == so_far[-1] else -0.2 - side, "taste")
    return (*so_far, side)


class _Toss:
    """One step of the unfold."""

    def __init__(self, coin: TableLM) -> None:
        self.coin = coin

    async def __call__(self, so_far: tuple[int, ...]) -> tuple[int, ...]:
        return await toss(self.coin, so_far)


@program
async def tosses(numbers: TableLM, coin: TableLM, form: str) -> tuple[int, ...]:
    """None, one or two tosses, in sub-programs or an unfold; the number is drawn first, and judged last."""
    count = await sample(numbers.next(""), "count")
    sides: tuple[int, ...] = ()
    if form == "unfold":
        sides = await unfold(_Toss(coin), (), lambda state: len(state) == count, "tosses")
    else:
        for _ in range(count):
            sides = await toss(coin, sides)
    await factor((0.5, -0.6, 0.9)[count], "number")
    return sides


@program
async def bounded(coin: TableLM) -> tuple[int, ...]:
    """Goes on while it shows heads, at most three times: executions of every length."""
    out: tuple[int, ...] = ()
    while len(out) < 3:
        side = await sample(coin.next("t" * len(out)), "side")
        if side == 0:
            break
        out = (*out, side)
        await factor(1.0 - 0.8 * len(out), "longer")
    return out


def word_model(how: str = "prior") -> OracleModel:
    """6 executions."""
    return OracleModel.of(word(LETTERS, DRAFT, COIN, how), letters=lambda v: float(len(v[0])),
                          side=lambda v: float(v[1]))


def tosses_model(form: str = "sub") -> OracleModel:
    """7 executions."""
    return OracleModel.of(tosses(NUMBERS, COIN, form), count=lambda v: float(len(v)), heads=lambda v: float(sum(v)))


def bounded_model() -> OracleModel:
    """4 executions of lengths 0 to 3."""
    return OracleModel.of(bounded(COIN), length=lambda v: float(len(v)))
