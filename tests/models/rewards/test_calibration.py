"""Calibration: each map is the best of its kind, found independently; and probabilities come nearer to outcomes."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.optimize import minimize as scipy_minimize

from steersman.models import Reward, calibrate
from steersman.models.rewards import Isotonic, Logistic, adaptive_n, brier, ece


def overrated(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores in (0, 1) that claim more than they hold: success has probability score^3."""
    rng = np.random.default_rng(seed)
    scores = rng.uniform(size=n)
    return scores, (rng.uniform(size=n) < scores**3).astype(float)


@pytest.mark.parametrize("seed", range(6))
def test_isotonic_mean_is_optimal(seed: int) -> None:
    """Law: no increasing assignment of multiples of 1/12 to the scores has a smaller square loss (all are tried), ties
    in the scores included; and the optimum is that of the min-max formula."""
    rng = np.random.default_rng(seed)
    s, y = rng.integers(0, 4, 9) / 4, rng.integers(0, 2, 9)
    fit = Isotonic(s, y)
    loss = ((fit(s) - y) ** 2).sum()
    levels, knots = np.arange(13) / 12, np.unique(s)
    for values in itertools.combinations_with_replacement(levels, len(knots)):
        assert loss <= ((np.array(values)[np.searchsorted(knots, s)] - y) ** 2).sum() + 1e-12
    for k, value in zip(knots, fit.values, strict=True):
        by_formula = max(min(y[(s >= a) & (s <= b)].mean() for b in knots if b >= k) for a in knots if a <= k)
        assert value == pytest.approx(by_formula)


@pytest.mark.parametrize(("seed", "level"), [(0, 0.1), (1, 0.1), (2, 0.5), (3, 0.25), (4, 0.8), (5, 0.3)])
def test_isotonic_quantile_is_optimal(seed: int, level: float) -> None:
    """Law: its pinball loss is that of the linear programme over all increasing functions."""
    rng = np.random.default_rng(seed)
    s, y = rng.integers(0, 12, 40) / 12, rng.binomial(8, 0.5, 40) / 8
    fit = Isotonic(s, y, level)
    assert (np.diff(fit.values) >= 0).all()
    knots = np.unique(s)
    which, n, k = np.searchsorted(knots, s), len(s), len(knots)
    # variables: f [k], over [n], under [n]; y - f = over - under; f increases
    cost = np.concatenate([np.zeros(k), np.full(n, level), np.full(n, 1 - level)])
    equal = np.concatenate([np.eye(k)[which], np.eye(n), -np.eye(n)], 1)
    rising = np.concatenate([np.eye(k)[:-1] - np.eye(k)[1:], np.zeros((k - 1, 2 * n))], 1)
    best = linprog(cost, rising, np.zeros(k - 1), equal, y, bounds=[(None, None)] * k + [(0, None)] * (2 * n))
    residual = y - fit(s)
    loss = np.maximum(level * residual, (level - 1) * residual).sum()
    assert loss == pytest.approx(best.fun, abs=1e-9)


@pytest.mark.parametrize("biased", [True, False])
def test_logistic_minimises_the_log_loss(biased: bool) -> None:
    """Law: slope and bias are those that a general optimiser finds for the smoothed outcomes."""
    rng = np.random.default_rng(1)
    s = rng.normal(2.0, 3.0, 200)
    y = (rng.uniform(size=200) < 1 / (1 + np.exp(-0.7 * s - (0.9 if biased else 0)))).astype(float)
    fit = Logistic(s, y, biased=biased)
    n1, n0 = y.sum(), (1 - y).sum()
    t = np.where(y == 1, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))

    def loss(c: Any) -> float:
        z = c[0] * s + (c[1] if biased else 0.0)
        return float((np.logaddexp(0, z) - t * z).sum())

    best = scipy_minimize(loss, [1.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    assert loss([fit.slope, fit.bias]) <= best.fun + 1e-8
    assert fit.slope == pytest.approx(best.x[0], abs=1e-4) and fit.temperature == pytest.approx(1 / fit.slope)
    assert fit.bias == (pytest.approx(best.x[1], abs=1e-4) if biased else 0.0)


def test_separated_scores_have_a_finite_slope() -> None:
    """Law: scores that tell all outcomes apart do not make certainties of themselves."""
    p = Logistic([-2.0, -1.0, 1.0, 2.0], [0, 0, 1, 1])([-1.0, 1.0])
    assert 0.1 < p[0] < 0.4 and p[1] == pytest.approx(1 - p[0])


@pytest.mark.parametrize("how", ["isotonic", "platt", "temperature"])
def test_errors_before_and_after(how: Any) -> None:
    """Law: on held-out items the calibrated probabilities of an overrating reward are closer to the outcomes, by both
    measures; isotonic regression recovers the curve."""
    scores, outcomes = overrated(4000, 0)
    held_s, held_y = overrated(4000, 1)
    given, held = scores, held_s
    if how == "temperature":  # scores that are log-odds, too large by a factor
        rng = np.random.default_rng(2)
        given, held = rng.normal(0, 4, 4000), rng.normal(0, 4, 4000)
        outcomes, held_y = (rng.uniform(size=(2, 4000)) < 1 / (1 + np.exp(-np.stack([given, held]) / 3))).astype(float)
    found = calibrate(given, outcomes, how, held_out=(held, held_y))
    assert found.ece[0] > 0.12 and found.ece[1] < 0.05 and found.brier[1] < found.brier[0] - 0.01
    if how == "isotonic":
        x = np.linspace(0.1, 0.9, 9)
        np.testing.assert_allclose(found(x), x**3, atol=0.06)
    if how == "temperature":
        assert found.map.temperature == pytest.approx(3.0, rel=0.1)  # type: ignore[attr-defined]


def test_cautious_probabilities_bound_the_rollouts() -> None:
    """S054: with the tenth quantile of rollouts as p_low, nine of ten prefixes succeed at least that often, and the
    N that it allots reaches its confidence more often than the N that trusts the score."""
    rng = np.random.default_rng(3)
    scores = rng.uniform(0.2, 1.0, 3000)
    true = np.clip(scores - rng.uniform(0.0, 0.3, 3000), 0.02, 1)
    rollouts = rng.binomial(64, true) / 64
    found = calibrate(scores, rollouts, "quantile", level=0.1)
    p_low = found(scores)
    assert np.mean(rollouts < p_low) < 0.11 and 0.87 < np.mean(true >= p_low) < 0.975
    cautious = [1 - (1 - p) ** adaptive_n(low, 0.9) for p, low in zip(true, p_low, strict=True)]
    trusting = [1 - (1 - p) ** adaptive_n(s, 0.9) for p, s in zip(true, scores, strict=True)]
    assert np.mean(np.array(cautious) >= 0.9) > 0.88 > 0.5 > np.mean(np.array(trusting) >= 0.9)


def test_adaptive_n() -> None:
    """S054: the least N with 1 - (1 - p)^N >= C, within 1 and the cap."""
    for p, c in itertools.product([0.01, 0.1, 0.25, 0.5, 0.9, 0.999], [0.5, 0.75, 0.9, 0.99]):
        n = adaptive_n(p, c, most=10_000)
        assert 1 - (1 - p) ** n >= c - 1e-9 and (n == 1 or 1 - (1 - p) ** (n - 1) < c)
    assert adaptive_n(0.0, most=7) == 7 == adaptive_n(1e-9, most=7) and adaptive_n(1.0) == 1
    for arguments in ((1.2, 0.9), (-0.1, 0.9), (0.5, 1.0), (math.nan, 0.5)):
        with pytest.raises(ValueError, match="adaptive_n"):
            adaptive_n(*arguments)


def test_measures_by_hand() -> None:
    """Law: ECE and Brier of four items, summed by hand; 1 is in the last bin."""
    p, y = [0.05, 0.65, 0.61, 1.0], [0, 1, 0, 1]
    assert ece(p, y) == pytest.approx((0.05 + abs(1.26 - 1) + 0.0) / 4)
    assert brier(p, y) == pytest.approx((0.05**2 + 0.35**2 + 0.61**2) / 4)


def test_a_calibrated_reward() -> None:
    """Law: `reward.map(calibration)` scores by the calibration of the reward."""
    found = calibrate(*overrated(500, 4))
    reward = Reward(lambda items: [x for (x,) in items], name="score")
    x = [0.1, 0.5, 0.93]
    np.testing.assert_allclose(reward.map(found).scores(x), found(x))


def test_bad_input() -> None:
    """One error each, which says what is wanted."""
    for scores, outcomes, match in (
        ([0.1, 0.2], [1], "two lists of one length"), ([], [], "two lists"),
        ([0.1, math.nan], [0, 1], "score 1 is not"),
        ([0.1, 0.2], [0, 2], "an outcome is 0 or 1"),
    ):  # fmt: skip
        for how in ("isotonic", "platt", "quantile"):
            with pytest.raises(ValueError, match=match):
                calibrate(scores, outcomes, how)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="how='magic'"):
        calibrate([0.1], [1], "magic")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="do not rise with the scores"):
        calibrate([0.1, 0.5, 0.9], [1, 1, 0], "platt")
    with pytest.raises(ValueError, match="quantile lies strictly between"):
        calibrate([0.1, 0.9], [0, 1], "quantile", level=1.0)
