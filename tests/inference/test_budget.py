"""Budgets: never exceeded, whatever the limit; what was done until then is a valid result."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np
import pytest
from counting import CountingLM
from hypothesis import given, settings
from hypothesis import strategies as st

from steersman.inference import SMC, Budget, BudgetTooSmall, Enumerate, Importance, Posterior, Rejection, infer
from steersman.inference.run.algorithm import Algorithm
from steersman.inference.testing import sentence_model
from steersman.models import TableLM
from steersman.ppl import Invocation, call, condition, factor, observe, program, sample
from steersman.ppl.batched import Batched

METHODS: dict[str, Algorithm[object]] = {
    "importance": Importance(12, batch=5),
    "smc": SMC(6),
    "expand": SMC(3, expand=2, resample="optimal"),
    "rejection": Rejection(4, attempts=100, batch=4, log_bound=2.0),
}


class Judge:
    """A reward that counts how often it is really evaluated."""

    def __init__(self) -> None:
        self.rewards = 0
        self.score = Batched(self._score, reward=True)

    def _score(self, items: list[tuple[object, ...]]) -> Sequence[float]:
        self.rewards += len(items)
        return [-0.1 * len(str(text)) for (text,) in items]


@program
async def judged(lm: TableLM, draft: TableLM, other: TableLM, judge: Judge) -> str:
    """Draws from one of two foreign proposals, a reward, a teacher-forced observation."""
    first = await sample(lm.next(""), "first")
    proposal = (draft if first % 2 else other).text("b", max_tokens=3)
    text = await sample(lm.text("a", max_tokens=3), "text", proposal=proposal)
    await factor(float(await call(judge.score, text)) + 1.2 * len(text.tokens), "reward")
    await observe(draft.text("", max_tokens=3), text, "critic")
    return str(text)


def _spent(
    method: Algorithm[object], budget: Budget
) -> tuple[Posterior | None, dict[str, int]]:
    models = [CountingLM(TableLM.random(4, seed=s, scale=0.5)) for s in (1, 2, 3)]
    judge = Judge()
    try:
        posterior = infer(judged(*models, judge), method, budget=budget)
    except BudgetTooSmall:
        posterior = None
    tokens, calls = sum(m.tokens for m in models), sum(m.calls for m in models)
    return posterior, {"tokens": tokens, "calls": calls, "rewards": judge.rewards}


@given(
    st.sampled_from(sorted(METHODS)),
    st.one_of(st.none(), st.integers(1, 150)), st.one_of(st.none(), st.integers(1, 25)),
    st.one_of(st.none(), st.integers(1, 30)),
)
@settings(max_examples=150, deadline=None)
def test_never_exceeded(name: str, tokens: int | None, calls: int | None, rewards: int | None) -> None:
    """What the models were really asked is what the ledger says, and within every limit."""
    posterior, spent = _spent(METHODS[name], Budget(tokens=tokens, calls=calls, rewards=rewards))
    for what, limit in (("tokens", tokens), ("calls", calls), ("rewards", rewards)):
        assert limit is None or spent[what] <= limit
        if posterior is not None:
            assert getattr(posterior.cost, what) == spent[what]
    if posterior is None:
        assert spent == {"tokens": 0, "calls": 0, "rewards": 0}
        return
    if (tokens, calls, rewards) == (None, None, None):
        assert posterior.stopped is None
    assert len(posterior) == len(posterior.traces) == len(posterior.log_weights)
    assert not np.isnan(posterior.weights).any()
    assert math.fsum(posterior.weights) == pytest.approx(1.0) or not posterior.weights.any()


@given(st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_enumeration(limit: int) -> None:
    """Enumeration stops in time, at a lower bound of Z made of whole traces."""
    model = sentence_model()
    posterior = infer(model.program, Enumerate(), budget=Budget(tokens=limit))
    assert posterior.cost.tokens <= limit
    exact = model.exact.probabilities()
    z = math.exp(model.exact.log_evidence)
    for value, w in zip(posterior.values, np.exp(posterior.log_weights), strict=True):
        assert w == pytest.approx(exact[value] * z)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_ample_budgets_change_nothing(name: str) -> None:
    """A budget that is not met leaves no trace in the result."""
    free, _ = _spent(METHODS[name], Budget())
    ample, spent = _spent(METHODS[name], Budget(tokens=10_000, calls=1000, rewards=1000, seconds=1e6))
    assert free is not None and ample is not None
    assert ample.values == free.values
    assert ample.log_evidence == free.log_evidence
    exact, _ = _spent(METHODS[name], Budget(**spent))
    assert exact is not None and exact.values == free.values and exact.stopped == free.stopped


@pytest.mark.parametrize("method", [SMC(8), Importance(8), Rejection(8, log_bound=9.0)], ids=lambda m: m.name)
@pytest.mark.parametrize("what", ["tokens", "calls"])
def test_too_small_for_one_step(method: Algorithm[object], what: str) -> None:
    """Not even one round can be paid: a clear error that says what it costs."""

    @program
    async def pair() -> None:
        lm, other = TableLM.random(3, seed=1), TableLM.random(3, seed=2)
        await sample(lm.next(""), "token", proposal=other.next("a"))
        await condition(True)

    with pytest.raises(BudgetTooSmall, match=rf"single step.*{what}"):
        infer(pair, method, budget=Budget(**{what: 1}))


def test_seconds() -> None:
    """Wall-clock time is checked between rounds."""

    def slow() -> None:
        time.sleep(0.02)

    @program
    async def slowly() -> None:
        while True:
            await call(slow)

    started = time.perf_counter()
    posterior = infer(slowly, SMC(2), budget=Budget(seconds=0.2))
    assert 0.2 <= time.perf_counter() - started < 2.0
    assert posterior.stopped is not None and "seconds" in posterior.stopped


def test_finished_batches_are_kept() -> None:
    """Importance sampling stopped in its third batch is importance sampling with two."""
    lm = TableLM.random(3, seed=4, eos=None)

    @program
    async def five() -> str:
        return str(await sample(lm.text("", max_tokens=5), "text"))

    partial = infer(five, Importance(40, batch=4), budget=Budget(tokens=55))
    whole = infer(five, Importance(8))
    assert partial.values == whole.values
    assert partial.log_evidence == whole.log_evidence
    assert partial.stopped is not None


def test_each_program_of_a_list_has_its_own_budget() -> None:
    """One run out of tokens does not stop the others."""
    short = infer([_texts(2), _texts(9), _texts(3)], Importance(4), budget=Budget(tokens=20))
    assert [p.stopped is None for p in short] == [True, False, True]
    assert all(p.cost.tokens <= 20 for p in short)


@program
async def _text(lm: TableLM, length: int) -> str:
    return str(await sample(lm.text("", max_tokens=length), "text"))


def _texts(length: int) -> Invocation[str]:
    return _text(TableLM.random(3, seed=4, eos=None), length)


@pytest.mark.parametrize("bad", [{"tokens": 0}, {"calls": -1}, {"seconds": 0.0}, {"rewards": math.nan}])
def test_limits_are_positive(bad: dict[str, float]) -> None:
    """A limit of nothing is a mistake, not a budget."""
    with pytest.raises(ValueError, match="positive number"):
        Budget(**bad)  # type: ignore[arg-type]


def test_a_partial_wave_tells_no_error() -> None:
    """Importance sampling stopped inside its only batch: log Z is of what has been met so far, its error unknown."""
    lm = TableLM.random(4, seed=2, eos=None)

    @program
    async def walk() -> list[int]:
        drawn: list[int] = []
        for _ in range(3):
            drawn.append(await sample(lm.next(lm.context() + drawn), "token"))
            await factor(0.4 * drawn[-1])
        return drawn

    partial = infer(walk(), Importance(8), budget=Budget(tokens=10))
    assert partial.finished is not None and not partial.finished.any()
    assert math.isnan(partial.log_evidence_error)
    whole = infer(walk(), Importance(8, batch=2), budget=Budget(tokens=14))
    assert len(whole) == 4 and whole.finished is None and whole.log_evidence_error > 0


def test_enumeration_pays_for_proposals() -> None:
    """The density under a proposal with another prompt is scored too; under a mask of the same prompt it is free."""
    lm = TableLM.random(4, seed=2, eos=None)

    @program
    async def one(prompt: str) -> int:
        return await sample(lm.next("a"), "token", proposal=lm.next(prompt).masked([0, 1, 2, 3]))

    for prompt, tokens in (("a", 1), ("b", 2)):
        posterior = infer(one(prompt), Enumerate())
        assert (posterior.cost.tokens, posterior.cost.calls) == (tokens, tokens)
    assert infer(one("b"), Enumerate(), budget=Budget(tokens=2)).stopped is None
    with pytest.raises(BudgetTooSmall, match="needs 2 tokens"):
        infer(one("b"), Enumerate(), budget=Budget(tokens=1))
