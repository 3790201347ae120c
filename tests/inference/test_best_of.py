"""BestOf: its posterior is the law of the best of n, exactly and on average, whatever the number of draws."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from steersman.inference import AllParticlesDead, BestOf, Budget, Enumerate, infer
from steersman.inference import best_of as best_of_module
from steersman.inference.best_of import log_shares
from steersman.inference.testing import TapedLM, exhaust, z_score
from steersman.models import TableLM, tilted
from steersman.models.rewards import best_of_n_log_prob
from steersman.ppl import condition, factor, program, sample

LM = TableLM.random(3, seed=5, scale=0.8)


@program
async def rewarded(lm: TableLM, mortal: bool = False) -> str:
    """At most two letters; the number of a's is the reward, so that there are ties."""
    text = str(await sample(lm.text("", max_tokens=2), "text"))
    if mortal:
        await condition(text != "b")
    await factor(3.0 * text.count("a"), "reward")
    return text


def exact_law(n: int, mortal: bool = False) -> dict[str, float]:
    """The closed form on the enumerated texts; what dies has the lowest reward, and no mass."""
    @program
    async def text() -> str:
        return str(await sample(LM.text("", max_tokens=2), "text"))

    p = infer(text(), Enumerate()).probabilities()
    rewards = [-math.inf if mortal and v == "b" else v.count("a") for v in p]
    law = dict(zip(p, np.exp(best_of_n_log_prob(np.log(list(p.values())), rewards, n)), strict=True))
    return {v: w for v, w in law.items() if not (mortal and v == "b")}


def expected(n: int, draws: int, mortal: bool = False) -> dict[str, float]:
    """Value -> expected weight, summed over everything that the draws can be."""
    law: dict[str, float] = {}

    def run(tape: Any) -> Any:
        try:
            return infer(rewarded(TapedLM(LM, tape), mortal), BestOf(n, draws=draws), progress=False)
        except AllParticlesDead:
            return None

    for probability, posterior in exhaust(run):
        if posterior is not None:
            for value, w in zip(posterior.values, np.exp(posterior.log_weights), strict=True):
                law[value] = law.get(value, 0.0) + probability * w
    law.pop(None, None)  # type: ignore[call-overload]
    return law


@pytest.mark.parametrize(("n", "draws"), [(1, 1), (1, 3), (2, 2), (2, 3), (3, 3)])
@pytest.mark.parametrize("mortal", [False, True])
def test_the_expected_weights_are_the_law(n: int, draws: int, mortal: bool) -> None:
    """Summed over every outcome of the draws, the expected weight of each text is P_n of it, ties and dead included:
    no chance, and no dependence on the number of draws."""
    assert expected(n, draws, mortal) == pytest.approx(exact_law(n, mortal), abs=1e-12)


def plug_in(scores: Any, n: int) -> Any:
    """(b/m)^n - (a/m)^n: draws chosen with replacement, which is biased."""
    s = np.asarray(scores)
    a, b = (np.array([side(s, x).mean() for x in s]) for side in (np.less, np.less_equal))
    with np.errstate(divide="ignore"):
        return np.log((b**n - a**n) / ((b - a) * len(s)))


def unshared(scores: Any, n: int) -> Any:
    """Every draw of a tie gets the share of all of them."""
    s = np.asarray(scores)
    return log_shares(s, n) + np.log([(s == x).sum() for x in s])


def one_more(scores: Any, n: int) -> Any:
    """n + 1 for n."""
    return log_shares(scores, min(n + 1, len(scores)))


@pytest.mark.parametrize("mutant", [plug_in, unshared, one_more])
def test_wrong_shares_are_seen(mutant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracle sees draws with replacement, ties that are not shared, and one draw too many."""
    monkeypatch.setattr(best_of_module, "log_shares", mutant)
    assert expected(2, 3) != pytest.approx(exact_law(2), abs=1e-6)


def test_shares_by_trying_all_subsets() -> None:
    """log_shares against every subset of n, ties shared within the subset; and no overflow for many draws."""
    for scores in ([3.0, 1.0, 2.0, 1.0, 3.0], [0.0] * 4, [-math.inf, -math.inf, 1.0, 2.0]):
        for n in range(1, len(scores) + 1):
            share = np.zeros(len(scores))
            subsets = list(itertools.combinations(range(len(scores)), n))
            for chosen in subsets:
                top = max(scores[i] for i in chosen)
                winners = [i for i in chosen if scores[i] == top]
                share[winners] += 1 / len(winners) / len(subsets)
            assert np.exp(log_shares(scores, n)) == pytest.approx(share, abs=1e-12)
    many = log_shares(np.arange(20_000.0), 1000)
    assert np.exp(many).sum() == pytest.approx(1.0) and many[-1] == pytest.approx(math.log(1000 / 20_000))


def test_plain_best_of_n() -> None:
    """Without more draws than n: one value of weight 1, the first of those tied at the top sharing it; n executions."""
    posterior = infer(rewarded(LM), BestOf(6), seed=2)
    top = max(v.count("a") for v in posterior.values)
    assert len(posterior) == 6 and {v.count("a") for v, w in zip(posterior.values, posterior.weights, strict=True)
                                    if w > 0} == {top}
    assert posterior.log_evidence == pytest.approx(0.0, abs=1e-12) and posterior.log_evidence_error == 0


def test_many_draws_are_less_noisy() -> None:
    """Over runs: unbiased for the mean reward of the best of 4, and 40 draws vary less than 4."""
    mean = sum(p * v.count("a") for v, p in exact_law(4).items())
    found = {draws: np.array([infer(rewarded(LM), BestOf(4, draws=draws), seed=s).expectation(lambda v: v.count("a"))
                              for s in range(150)]) for draws in (4, 40)}
    assert all(abs(z_score(x, mean)) < 4 for x in found.values())
    assert found[40].var() < found[4].var() / 4


def test_the_mass_of_what_may_die() -> None:
    """Under a condition, exp(log Z) is unbiased for P(not all n die), and its error bar is calibrated."""
    lm = TableLM(np.log([0.15, 0.05, 0.8]), vocabulary=["<eos>", "a", "b"])

    @program
    async def mortal() -> str:
        text = str(await sample(lm.text("", max_tokens=1), "text"))
        await condition(text != "b")
        return text

    runs = [infer(mortal(), BestOf(3, draws=30), seed=s) for s in range(300)]
    truth = 1 - 0.8**3
    assert abs(z_score([math.exp(p.log_evidence) for p in runs], truth)) < 4
    squares = [(math.exp(p.log_evidence) - truth) ** 2 for p in runs]
    claimed = [(p.log_evidence_error * math.exp(p.log_evidence)) ** 2 for p in runs]
    assert 0.6 < np.mean(squares) / np.mean(claimed) < 1.7
    with pytest.raises(AllParticlesDead):
        infer(tilted(mortal(), lambda v: -math.inf), BestOf(3))


def test_batches_and_budgets() -> None:
    """Batches change nothing; a budget leaves the best of what was finished, and the result says of how many."""
    runs = [infer(rewarded(LM), BestOf(3, draws=20, batch=b), seed=5) for b in (1, 6, 20)]
    for p in runs[1:]:
        assert p.values == runs[0].values and np.array_equal(p.log_weights, runs[0].log_weights)
    some = infer(rewarded(LM), BestOf(3, draws=20, batch=2), seed=5, budget=Budget(tokens=20))
    assert 3 <= len(some) < 20 and some.stopped is not None and "not of" not in some.stopped
    assert some.weights.sum() == pytest.approx(1.0)
    few = infer(rewarded(LM), BestOf(8, batch=2), seed=5, budget=Budget(tokens=6))
    assert few.stopped is not None and f"the best of {len(few)}, not of 8" in few.stopped


@pytest.mark.parametrize("bad", [{"n": 0}, {"n": 2, "draws": 1}, {"n": 2, "batch": 0}, {"n": 2.5}])
def test_bad_arguments(bad: dict[str, Any]) -> None:
    """Sizes are whole numbers, and there are enough draws."""
    with pytest.raises(ValueError, match="at least"):
        BestOf(**bad)
