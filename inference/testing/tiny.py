"""Oracle models of a handful of executions, for methods that make many random choices in a step (sweeps of particles):
all of these can still be enumerated."""

from __future__ import annotations

from typing import Any

from steersman.models import TableLM
from steersman.ppl.effects import factor, sample, twist, unfold
from steersman.ppl.program import program
from steersman.ppl.text import Text

from .models import OracleModel, Statistic


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
async def bounded(coin: TableLM, longest: int) -> tuple[int, ...]:
    """Goes on while it shows heads: executions of every length."""
    out: tuple[int, ...] = ()
    while len(out) < longest:
        side = await sample(coin.next("t" * len(out)), "side")
        if side == 0:
            break
        out = (*out, side)
        await factor(1.0 - 0.8 * len(out), "longer")
    return out


def _coin() -> TableLM:
    return TableLM([0.3, -0.3], eos=None, vocabulary=["t", "h"])


def word_model(how: str = "prior", *, seed: int = 31) -> OracleModel:
    """A text drawn from its own model ("prior"), from another ("proposal"), or with a twist after it ("twist"), and a
    coin. 6 executions."""
    lm, draft = (TableLM.random(2, seed=seed + i, scale=0.7) for i in range(2))
    statistics: dict[str, Statistic] = {"letters": lambda v: float(len(v[0])), "side": lambda v: float(v[1])}
    return OracleModel(f"word/{how}", lambda wrap: word(wrap(lm), wrap(draft), wrap(_coin()), how), statistics)


def tosses_model(form: str = "sub") -> OracleModel:
    """A number of sub-programs ("sub") or steps of an unfold ("unfold") that is drawn first. 7 executions."""
    numbers = TableLM([0.2, -0.3, 0.4], eos=None, vocabulary=["x", "y", "z"])
    statistics: dict[str, Statistic] = {"count": lambda v: float(len(v)), "heads": lambda v: float(sum(v))}
    return OracleModel(f"tosses/{form}", lambda wrap: tosses(wrap(numbers), wrap(_coin()), form), statistics)


def bounded_model(longest: int = 3) -> OracleModel:
    """Executions of lengths 0 to `longest`; the short ones finish while others have stops to come."""
    return OracleModel("bounded", lambda wrap: bounded(wrap(_coin()), longest), {"length": lambda v: float(len(v))})


def tiny_models() -> list[OracleModel]:
    """All of them."""
    return [*(word_model(how) for how in ("prior", "proposal", "twist")), tosses_model(), tosses_model("unfold"),
            bounded_model()]
