"""The one driver operation: rounds, groups, stops, pauses, deaths, budgets."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from exhaustive import Table, coin
from programs import JUDGE, LM

from steersman.ppl import (
    Budget,
    BudgetExhausted,
    Effect,
    Key,
    Meter,
    Particle,
    advance,
    batched,
    call,
    condition,
    factor,
    observe,
    program,
    sample,
    unfold,
)
from steersman.ppl.batched import Batched
from steersman.ppl.driver import play_round
from steersman.ppl.requests import Request


@program
async def letters(n: int, name: str = "letter") -> str:
    return "".join([await sample(coin(), name) for _ in range(n)])


def population(*models: Any) -> list[Particle]:
    return [Particle(m, slot) for slot, m in enumerate(models)]


def test_one_call_for_each_family_and_round() -> None:
    """Equal families of all particles share one draw, whatever site they are at; particles that have finished are out
    of later rounds."""
    Table.calls.clear()
    advance(population(letters(1), letters(3, "other"), letters(2), letters(3)), Key(0))
    assert Table.calls == [("draw", 4), ("draw", 3), ("draw", 2)]


def test_operations_are_grouped_apart() -> None:
    """Draws and scores of one family are two calls; a proposal adds one score."""

    @program
    async def draws() -> None:
        await sample(coin(), "x")

    @program
    async def observes() -> None:
        await observe(coin(), "heads")

    @program
    async def proposes() -> None:
        await sample(coin(), "x", proposal=coin(0.9))

    Table.calls.clear()
    advance(population(draws(), observes(), proposes(), draws(), observes()), Key(0))
    assert sorted(Table.calls) == [("draw", 3), ("score", 1), ("score", 2)]


def test_language_model_calls_are_shared_over_contexts_and_texts() -> None:
    """Tokens of different contexts, temperatures and texts are drawn by one call a round."""
    sizes: list[int] = []

    class Spy(type(LM)):  # type: ignore[misc]
        def draw_next(self, prefixes: Any, *rest: Any) -> Any:
            sizes.append(len(prefixes))
            return super().draw_next(prefixes, *rest)

    lm = Spy(np.zeros((4, 3)), eos=None)

    @program
    async def text(prompt: str, temperature: float) -> str:
        return await sample(lm.text(prompt, max_tokens=3, temperature=temperature), "line")

    @program
    async def token() -> int:
        return await sample(lm.next("abc"), "token")

    advance(population(text("a", 1.0), text("bb", 1.0), text("", 0.5), token()), Key(0))
    assert sizes == [4, 3, 3]


def test_factors_are_answered_within_the_round() -> None:
    """Factors, conditions and twists cost no round."""

    @program
    async def weighs() -> None:
        for _ in range(5):
            await factor(0.1)
            await condition(True)
        await sample(coin(), "x")

    meter = Meter()
    advance(population(weighs(), letters(1)), Key(0), meter=meter)
    assert meter.rounds == 1


def test_death_and_early_ends_stall_nobody() -> None:
    """The others go on as if they had been alone; the dead are closed with weight zero and name the site."""
    closed: list[int] = []

    @program
    async def fated(end: int) -> str:
        try:
            for i in range(6):
                await sample(coin(), "x")
                await condition(i != end, "fate")
            return "lived"
        finally:
            closed.append(end)

    particles = population(*[fated(i) for i in range(8)])
    advance(particles, Key(0))
    assert [p.killed_by for p in particles] == [f"fate#{i}" if i else "fate" for i in range(6)] + [None] * 2
    assert [p.log_weight for p in particles] == [-math.inf] * 6 + [0.0] * 2
    assert [p.value for p in particles] == [None] * 6 + ["lived"] * 2
    assert all(p.done for p in particles) and sorted(closed) == list(range(8))


def test_stop_is_inclusive_and_asked_of_every_answer() -> None:
    """A particle rests after the effect that it was stopped at, its weight included; the next request goes on."""

    @program
    async def model() -> str:
        x = await sample(coin(), "x")
        await factor(-1.5, "f")
        await factor(-2.0, "g")
        return x + await sample(coin(), "y")

    seen: list[str] = []

    def stop(p: Particle, effect: Effect[Any]) -> bool:
        seen.append(str(effect.name))
        return effect.name == "f"

    (p,) = population(model())
    advance([p], Key(0), stop=stop)
    assert seen == ["x", "f"] and p.log_weight == -1.5 and p.pending is not None and p.pending.name == "g"
    advance([p], Key(0), stop=stop)
    assert p.done and p.log_weight == -3.5 and seen == ["x", "f", "g"]  # what ends a program is not a stop


def test_stops_at_texts_sub_programs_and_loops() -> None:
    """Named sites that are composite stop when they are complete: the token first, then its text, then the scope."""

    @program
    async def line() -> str:
        return await sample(LM.text("a", max_tokens=2), "line")

    @program
    async def model() -> None:
        await line()
        await unfold(step, 0, lambda s: s == 2, "loop")
        await sample(coin(), "last")

    @program
    async def step(s: int) -> int:
        await sample(coin(), "x")
        return s + 1

    expected = {"line": ("loop", 0, "step", 0, "x", 0), "step": ("loop", 0, "step", 1, "x", 0), "loop": ("last", 0)}
    for name, address in expected.items():
        (p,) = population(model())
        advance([p], Key(1), stop=lambda p, e, n=name: e.name == n)
        assert p.address == address
    asked: list[str] = []
    (p,) = population(model())
    advance([p], Key(1), stop=lambda p, e: asked.append(f"{e.kind} {e.name}") or False)  # type: ignore[func-returns-value]
    assert asked == [
        *["sample token"] * (asked.index("sample line")), "sample line", "program line", "sample x", "program step",
        "sample x", "program step", "unfold loop",
    ]


def test_pause_leaves_particles_before_their_draws() -> None:
    """Paused particles wait at the sample site, texts at their token; what is fixed is not paused."""

    @program
    async def model() -> None:
        await sample(coin(), "fixed")
        await factor(1.0)
        await sample(LM.text("a", max_tokens=2), "line")

    (p,) = population(model())
    Table.calls.clear()
    advance([p], Key(0), choose=lambda p: (p.address == ("fixed", 0), "heads"), pause=lambda p: True)
    assert p.address == ("line", 0, "token", 0) and not p.done and p.resting
    assert Table.calls == [("score", 1)]


def test_fixed_values_gain_their_density() -> None:
    """choose: a fixed value is scored once, never drawn, and may be impossible."""
    heads, edge = population(letters(1), letters(1))
    Table.calls.clear()
    advance([heads, edge], Key(0), choose=lambda p: (True, "heads" if p is heads else "edge"))
    assert Table.calls == [("score", 2)]
    assert heads.log_weight == math.log(0.5) and heads.trace is not None and heads.trace.site("letter").fixed
    assert edge.dead and edge.killed_by == "letter"


def test_an_imposed_text_becomes_a_text() -> None:
    """A program receives a `Text` also where a plain str was imposed, with its tokens as sites."""

    @program
    async def model() -> tuple[str, int]:
        line = await sample(JUDGE.text("a", max_tokens=3, stop="b"), "line", proposal=LM.text("", max_tokens=3))
        return line.finish, len(line.tokens)

    (p,) = population(model())
    advance([p], Key(0), choose=lambda p: (True, "ab"))
    assert p.value == ("stop", 2) and p.trace is not None
    site = p.trace.site("line")
    assert site.value == "a" and site.value.stop == "b"
    assert [s.value for s in site.sub.sites()] == [1, 2]
    assert site.log_p == pytest.approx(JUDGE.next("a").log_probs()[1] + JUDGE.next("aa").log_probs()[2], rel=1e-14)
    assert site.log_q == pytest.approx(LM.next("").log_probs()[1] + LM.next("a").log_probs()[2], rel=1e-14)


def test_batched_calls_see_all_arguments_once_a_round() -> None:
    """A batched function is called once for all particles of the round, in their order; a plain one for each."""
    asked: list[Any] = []

    @batched
    def joined(xs: list[str], ys: list[int]) -> list[str]:
        asked.append((xs, ys))
        return [x * y for x, y in zip(xs, ys, strict=True)]

    def plain(x: str) -> str:
        asked.append(x)
        return x

    @program
    async def model(x: str, y: int) -> str:
        return await call(joined, x, y) + await call(plain, x)

    particles = population(model("a", 1), model("b", 2), model("c", 0))
    advance(particles, Key(0))
    assert asked == [(["a", "b", "c"], [1, 2, 0]), "a", "b", "c"]
    assert [p.value for p in particles] == ["aa", "bbb", "c"]
    assert joined("d", 2) == "dd"


def test_functions_need_not_be_hashable() -> None:
    """A reward with fields (a dataclass) may be called."""

    class Reward:
        __hash__ = None  # type: ignore[assignment]

        def __call__(self, x: int) -> int:
            return x + 1

    @program
    async def model() -> int:
        return await call(Reward(), 1)

    (p,) = population(model())
    advance([p], Key(0))
    assert p.value == 2


def test_requests_share_rounds_and_keep_their_keys() -> None:
    """Two requests played together make one call a round, and each draws what it draws alone."""

    def fresh() -> list[list[Particle]]:
        return [population(letters(2), letters(3)), population(letters(1), letters(2))]

    keys = [Key(1), Key(2)]
    alone = fresh()
    for particles, key in zip(alone, keys, strict=True):
        advance(particles, key)
    shared = fresh()
    requests = [Request(ps, key) for ps, key in zip(shared, keys, strict=True)]
    Table.calls.clear()
    while any(r.live for r in requests):
        play_round([r for r in requests if r.live])
    assert Table.calls == [("draw", 4), ("draw", 3), ("draw", 1)]
    assert [[p.value for p in ps] for ps in shared] == [[p.value for p in ps] for ps in alone]


def test_the_ledger_counts_tokens_calls_and_rewards() -> None:
    """Drawn, scored and observed tokens are counted; a shared context is paid once; a proposal from another context
    twice; a call is one for each group."""

    @program
    async def model() -> None:
        text = await sample(LM.text("a", max_tokens=2, stop="b"), "line", proposal=LM.text("b", max_tokens=2))
        await observe(JUDGE.text("a", max_tokens=2, stop="b"), text)
        await call(Batched(lambda items: [0.0] * len(items), reward=True))

    @program
    async def masked() -> None:
        await sample(LM.next("a"), "token", proposal=LM.next("a").masked([1]))

    meter = Meter()
    (p,) = population(model())
    advance([p], Key(0), meter=meter)
    assert p.trace is not None
    n = len(p.trace["line"].tokens)
    assert (meter.tokens, meter.calls, meter.rewards) == (2 * n + n, 2 * n + 1, 1)
    meter = Meter()
    advance(population(masked(), masked()), Key(0), meter=meter)
    assert (meter.tokens, meter.calls, meter.rounds) == (2, 1, 1)


def test_a_budget_is_never_exceeded() -> None:
    """The round that does not fit is not begun: particles stay valid where they are."""

    @program
    async def model() -> str:
        return await sample(LM.text("", max_tokens=50), "line")

    particles = population(*[model()] * 4)
    meter = Meter(Budget(tokens=6))
    with pytest.raises(BudgetExhausted, match="the next round needs"):
        advance(particles, Key(3), meter=meter)
    assert meter.tokens == sum(len(p.partial_trace().choices()) for p in particles if not p.done) + sum(
        len(p.trace["line"].tokens) for p in particles if p.trace is not None
    )
    assert meter.tokens <= 6
    advance(particles, Key(3))
    assert all(p.done for p in particles)
    for name in ("tokens", "calls", "rewards", "seconds"):
        with pytest.raises(ValueError, match=rf"Budget\({name}=0\)"):
            Budget(**{name: 0})


def test_nested_inference_is_charged_once() -> None:
    """A distribution that spends tokens of its own is charged for the round's spending, not for its life's, and once
    however many particles share it."""

    class Nested(Table):
        spent = Meter()

        @staticmethod
        def draw(members: Any, keys: Any) -> Any:
            Nested.spent.charge(tokens=10 * len(members), calls=1)
            return Table.draw(members, keys)

    shared = Nested(a=1)

    @program
    async def model() -> None:
        await sample(shared, "x")
        await sample(shared, "y")

    meter = Meter()
    advance(population(model(), model(), model()), Key(0), meter=meter)
    assert (meter.tokens, meter.calls) == (60, 2)
