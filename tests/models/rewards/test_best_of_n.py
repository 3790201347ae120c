"""The best of N in closed form, with ties: against all N-tuples, its limits without ties, and the bounds of vBoN."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tied_texts import BASE, EXACT, REWARD, score, writing

from steersman.inference import SMC, Enumerate, infer
from steersman.models import Quantile, tilted
from steersman.models.rewards import (
    best_of_n_bounds,
    best_of_n_kl,
    best_of_n_log_prob,
    best_of_n_win_rate,
    exponential,
    tilt,
)
from steersman.ppl import program

P = np.array([0.35, 0.05, 0.2, 0.1, 0.3])
TIED = np.array([1.0, 3.0, 1.0, 3.0, 2.0])
DISTINCT = np.array([0.3, 2.0, -1.0, 5.0, 1.0])
LawOf = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


def tuples(p: np.ndarray, rewards: np.ndarray, n: int) -> np.ndarray:
    """The law of the best of n by trying all n-tuples; ties are broken at random."""
    law = np.zeros(len(p))
    for tried in itertools.product(range(len(p)), repeat=n):
        top = max(rewards[list(tried)])
        winners = [i for i in tried if rewards[i] == top]
        for i in winners:
            law[i] += math.prod(p[list(tried)]) / len(winners)
    return law


def is_the_law(found: LawOf) -> bool:
    """Whether a density is that of the best of n."""
    return all(np.allclose(np.exp(found(np.log(P), r, n)), tuples(P, r, n), atol=1e-12)
               for r in (TIED, DISTINCT, np.zeros(5)) for n in (1, 2, 3, 4))


def cdf(p: np.ndarray, rewards: np.ndarray, below: bool = False) -> np.ndarray:
    """P(R <= r) of every item, or P(R < r), by comparing every pair."""
    lower = rewards[None, :] < rewards[:, None] if below else rewards[None, :] <= rewards[:, None]
    return np.asarray(lower @ p)


def ties_forgotten(log_p: np.ndarray, rewards: np.ndarray, n: float) -> np.ndarray:
    """p_bon = F^n - (F - p)^n: as if all rewards were distinct."""
    p, f = np.exp(log_p), cdf(np.exp(log_p), rewards)
    with np.errstate(divide="ignore"):
        return np.log(f**n - (f - p) ** n)


def ties_not_shared(log_p: np.ndarray, rewards: np.ndarray, n: float) -> np.ndarray:
    """F^n - F-^n for every item of a tie."""
    p = np.exp(log_p)
    with np.errstate(divide="ignore"):
        return np.log(cdf(p, rewards) ** n - cdf(p, rewards, below=True) ** n)


def continuous(log_p: np.ndarray, rewards: np.ndarray, n: float) -> np.ndarray:
    """n p F^(n - 1), the density where rewards are continuous."""
    return np.asarray(log_p + math.log(n) + (n - 1) * np.log(cdf(np.exp(log_p), rewards)))


def n_for_n_minus_1(log_p: np.ndarray, rewards: np.ndarray, n: float) -> np.ndarray:
    """The best of one draw too many."""
    return best_of_n_log_prob(log_p, rewards, n + 1)


def test_the_density_is_that_of_all_tuples() -> None:
    """P_N = p [F^N - F-^N] / [F - F-] for distinct, tied and equal rewards."""
    assert is_the_law(best_of_n_log_prob)


@pytest.mark.parametrize("mutant", [ties_forgotten, ties_not_shared, continuous, n_for_n_minus_1])
def test_wrong_densities_are_seen(mutant: LawOf) -> None:
    """The oracle sees the mistakes that formulas for the best of N invite."""
    assert not is_the_law(mutant)


@pytest.mark.parametrize("rewards", [TIED, DISTINCT])
@pytest.mark.parametrize("n", [1, 2, 4])
def test_divergence_and_win_rate_are_those_of_the_tuples(rewards: np.ndarray, n: int) -> None:
    """KL(P_N || p) and the chance to beat one more draw, summed over the law of all tuples."""
    law = tuples(P, rewards, n)
    some = law > 0
    assert best_of_n_kl(n, np.log(P), rewards) == pytest.approx(float(law[some] @ np.log(law[some] / P[some])))
    beats = np.sign(rewards[:, None] - rewards[None, :]) / 2 + 0.5
    assert best_of_n_win_rate(n, np.log(P), rewards) == pytest.approx(float(law @ beats @ P))
    assert best_of_n_kl(n, np.log(P), rewards) <= best_of_n_kl(n) + 1e-12


def test_the_limit_without_ties() -> None:
    """Ever finer distinct rewards: KL -> log N - (N - 1)/N from below, the win rate -> N/(N + 1); known values."""
    assert best_of_n_kl(1) == 0 and best_of_n_win_rate(1) == 0.5
    assert best_of_n_kl(4) == pytest.approx(0.6362943611) and best_of_n_win_rate(4) == 0.8
    for n in (2, 16, 2.5):
        gaps = []
        for size in (100, 1000, 10_000):
            log_p, rewards = np.full(size, -math.log(size)), np.arange(size)
            gaps.append(best_of_n_kl(n) - best_of_n_kl(n, log_p, rewards))
            assert best_of_n_win_rate(n, log_p, rewards) == pytest.approx(best_of_n_win_rate(n), abs=n / size)
        assert gaps[0] > gaps[1] > gaps[2] > 0 and gaps[2] < 1e-3


def _policies(count: int) -> np.ndarray:
    """log q of random policies over the items, [count, K]."""
    return np.log(np.random.default_rng(0).dirichlet(np.ones(len(P)), count))


@pytest.mark.parametrize("rewards", [TIED, DISTINCT])
@pytest.mark.parametrize("n", [1, 2, 7, 2.5])
def test_the_bounds_hold_and_the_surrogate_is_their_maximum(rewards: np.ndarray, n: float) -> None:
    """L <= -KL(q || P_N) <= L + log n for any q; L = (n - 1) E log F - KL(q || p) is largest at q ~ p F^(n-1), where it
    is log Z; with n in place of n - 1 it is not."""
    target = best_of_n_log_prob(np.log(P), rewards, n)
    surrogate = np.log(P) + (n - 1) * np.log(cdf(P, rewards))
    log_z = float(np.logaddexp.reduce(surrogate))
    best, _ = best_of_n_bounds(surrogate - log_z, np.log(P), rewards, n)
    assert best == pytest.approx(log_z)
    for log_q in _policies(100):
        q = np.exp(log_q)
        lower, upper = best_of_n_bounds(log_q, np.log(P), rewards, n)
        assert lower - 1e-12 <= -float(q @ (log_q - target)) <= upper + 1e-12
        assert lower <= best + 1e-12
        assert lower == pytest.approx(float((n - 1) * q @ np.log(cdf(P, rewards)) - q @ (log_q - np.log(P))))
    wrong = np.log(P) + n * np.log(cdf(P, rewards))
    wrong -= np.logaddexp.reduce(wrong)
    assert best_of_n_bounds(wrong, np.log(P), rewards, n)[0] < best - 1e-6


def test_policies_without_mass_where_p_has_none() -> None:
    """Items of probability 0 take no part, and a policy on them has -KL = -inf."""
    log_p, rewards = np.log([0.5, 0.5, 1e-300]) + np.array([0, 0, -np.inf]), [1.0, 2.0, 3.0]
    assert np.exp(best_of_n_log_prob(log_p, rewards, 3)) == pytest.approx([1 / 8, 7 / 8, 0.0])
    assert best_of_n_kl(3, log_p, rewards) == pytest.approx(best_of_n_kl(3, log_p[:2], rewards[:2]))
    with np.errstate(divide="ignore"):
        assert best_of_n_bounds(np.log([0.5, 0.25, 0.25]), log_p, rewards, 2) == (-math.inf, -math.inf)
        lower, _ = best_of_n_bounds(np.log([0.0, 1.0, 0.0]), log_p, rewards, 2)
    assert lower == pytest.approx(math.log(0.5))


LOG_P, REWARDS = np.log(list(BASE.values())), np.array([score(v) for v in BASE])


@pytest.mark.parametrize("n", [1, 3, 8])
def test_a_tilted_program_is_the_best_of_n(n: int) -> None:
    """tilted(p, best_of(n)) has the law of the best of n and Z = 1; with surrogate(n), p F^(n-1), on Enumerate and SMC.
    The surrogate is nearer to the best of n than p is, and not it where rewards tie."""
    law = dict(zip(BASE, np.exp(best_of_n_log_prob(LOG_P, REWARDS, n)), strict=True))
    exact = infer(tilted(writing(), REWARD.map(EXACT.best_of(n))), Enumerate())
    assert exact.probabilities() == pytest.approx(law) and exact.log_evidence == pytest.approx(0.0, abs=1e-12)
    aimed = infer(tilted(writing(), REWARD.map(EXACT.surrogate(n))), Enumerate())
    by_hand = {v: p * cdf(np.exp(LOG_P), REWARDS)[i] ** (n - 1) for i, (v, p) in enumerate(BASE.items())}
    total = sum(by_hand.values())
    assert aimed.probabilities() == pytest.approx({v: w / total for v, w in by_hand.items()})
    assert aimed.log_evidence == pytest.approx(math.log(total))
    distance = {name: sum(abs(of[v] - law[v]) for v in law) / 2
                for name, of in (("surrogate", aimed.probabilities()), ("p", BASE))}
    if n > 1:
        assert 0.01 < distance["surrogate"] < distance["p"]
    smc = infer(tilted(writing(), REWARD.map(EXACT.surrogate(n))), SMC(2000), seed=1)
    assert abs(smc.log_evidence - aimed.log_evidence) <= 5 * smc.log_evidence_error + 1e-9
    assert smc.cost.rewards == 2000


def test_a_tilted_program_is_a_program() -> None:
    """Any program and reward: InfAlign's transform, a plain function, a tilt of a tilt, and a value that is no text."""
    phi = REWARD.map(EXACT).map(exponential(2.0)).map(tilt(0.5))
    weights = {v: p * math.exp(math.exp(2 * float(EXACT(score(v)))) / 0.5) for v, p in BASE.items()}
    found = infer(tilted(writing, phi), Enumerate()).probabilities()
    assert found == pytest.approx({v: w / sum(weights.values()) for v, w in weights.items()})

    @program
    async def length() -> int:
        return len(await writing())

    once = infer(tilted(length(), lambda k: 0.5 * k), Enumerate()).probabilities()
    twice = infer(tilted(tilted(length(), lambda k: 0.2 * k), lambda k: 0.3 * k), Enumerate()).probabilities()
    assert twice == pytest.approx(once) and once != pytest.approx(infer(length(), Enumerate()).probabilities())


def test_reference_draws_make_nearly_the_same_target() -> None:
    """F of 4000 draws of the model in place of the enumerated one: the target is within 0.02 of the best of 4."""
    draws: Any = infer(writing(), SMC(4000), seed=1).sample(4000, seed=2)
    target = tilted(writing(), REWARD.map(Quantile(REWARD.scores(draws)).best_of(4)))
    law = dict(zip(BASE, np.exp(best_of_n_log_prob(LOG_P, REWARDS, 4)), strict=True))
    found = infer(target, Enumerate()).probabilities()
    assert sum(abs(found.get(v, 0.0) - law[v]) for v in law) / 2 < 0.02


def test_bad_input() -> None:
    """One error each, with the fix."""
    with pytest.raises(ValueError, match=r"log probabilities that sum to 1.*sum 2.*log-sum-exp"):
        best_of_n_log_prob([0.0, 0.0], [1.0, 2.0], 2)
    with pytest.raises(ValueError, match="sum nan"):
        best_of_n_log_prob([math.nan, 0.0], [1.0, 2.0], 2)
    with pytest.raises(ValueError, match=r"2 items need 2 rewards, found shape \(3,\)"):
        best_of_n_kl(2, np.log([0.5, 0.5]), [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="log_q has shape"):
        best_of_n_bounds([0.0], np.log([0.5, 0.5]), [1.0, 2.0], 2)
    for f in (best_of_n_kl, best_of_n_win_rate, Quantile([1.0]).surrogate):
        with pytest.raises(ValueError, match="at least 1"):
            f(0.5)
