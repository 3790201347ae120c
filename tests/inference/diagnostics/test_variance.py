"""Single-run variance estimates against the variance over runs, on a hidden Markov model with exact evidence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from steersman.inference.diagnostics.variance import (
    expectation_variance,
    lee_whiteley,
    log_evidence_error,
    relative_variance,
)
from steersman.inference.posterior.genealogy import Genealogy
from steersman.inference.resampling import Ancestry, Resampler, adaptive
from steersman.inference.resampling.weights import log_sum_exp, normalise
from steersman.ppl.keys import Key
from steersman.ppl.protocols import Floats

START = np.array([0.5, 0.3, 0.2])
MOVE = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.3, 0.1, 0.6]])
EMIT = np.array([[0.8, 0.15, 0.05], [0.1, 0.7, 0.2], [0.2, 0.2, 0.6]])
SEEN = np.array([0, 2, 1, 0, 0, 2, 2, 1, 0, 1, 2, 0, 1, 1, 0, 2, 0, 2, 1, 0] * 4)


def forward(T: int) -> tuple[float, Floats]:
    """Evidence of the first T observations, and the law of the last state given them."""
    alpha = START * EMIT[:, SEEN[0]]
    for y in SEEN[1:T]:
        alpha = (alpha @ MOVE) * EMIT[:, y]
    return float(alpha.sum()), alpha / alpha.sum()


def bootstrap(T: int, N: int, resample: Resampler, key: Key) -> tuple[float, Genealogy, Floats]:
    """log Zhat, the genealogy, and whether each final particle is in state 0."""
    u = key.fold(0).generator().random((T, N, 1))
    x = (u[0] > START.cumsum()[:-1]).sum(1)
    lw = np.log(EMIT[x, SEEN[0]]) - math.log(N)
    g = Genealogy()
    g.append(lw)
    for t in range(1, T):
        ancestry = resample(normalise(lw), N, key.fold(t))
        x = x[ancestry.index]
        x = (u[t] > MOVE.cumsum(1)[x][:, :-1]).sum(1)
        lw = log_sum_exp(lw) + np.log(ancestry.weights) + np.log(EMIT[x, SEEN[t]])
        g.append(lw, ancestry)
    return log_sum_exp(lw), g, (x == 0).astype(float)


@dataclass
class Runs:
    ratio: Floats  # Zhat / Z
    genealogies: list[Genealogy]
    mean_error: Floats  # error of the weighted mean of f
    values: list[Floats]

    def z(self, V: Floats) -> float:
        """Mean of V Zhat^2 / Z^2 minus the squared error of Zhat / Z, in standard errors: 0 for an unbiased V."""
        d = V * self.ratio**2 - (self.ratio - 1) ** 2
        return float(d.mean() / (d.std(ddof=1) / math.sqrt(len(d))))


def repeat(T: int, N: int, scheme: str, threshold: float, runs: int, seed: int = 0) -> Runs:
    Z, last = forward(T)
    resample = adaptive(scheme, threshold)
    out = [bootstrap(T, N, resample, Key(seed).fold(r)) for r in range(runs)]
    means = np.array([g.weights(T - 1) @ f for _, g, f in out])
    ratio = np.exp(np.array([lz for lz, _, _ in out])) / Z
    return Runs(ratio, [g for _, g, _ in out], means - last[0], [f for _, _, f in out])


def each(runs: Runs, estimate, **kwargs) -> Floats:  # type: ignore[no-untyped-def]
    return np.array([estimate(g, **kwargs) for g in runs.genealogies])


@pytest.mark.parametrize("threshold", [1.0, 0.5])
def test_multinomial_variance_of_evidence(threshold: float) -> None:
    runs = repeat(8, 64, "multinomial", threshold, 400)
    assert abs(runs.z(each(runs, lee_whiteley))) < 4
    assert abs(runs.z(each(runs, relative_variance))) < 4
    assert abs(runs.z(each(runs, relative_variance, lag=4))) < 4
    assert runs.z(np.zeros(400)) < -4  # the test can tell


@pytest.mark.parametrize("scheme", ["ssp", "systematic"])
def test_other_schemes_are_not_underestimated(scheme: str) -> None:
    runs = repeat(8, 64, scheme, 1.0, 400)
    for lag in (None, 4):
        assert -4 < runs.z(each(runs, relative_variance, lag=lag)) < 6
    assert runs.z(each(runs, lee_whiteley)) < -4  # counts losses of pairs that these schemes do not have


@pytest.mark.slow
@pytest.mark.parametrize("threshold", [1.0, 0.5])
@pytest.mark.parametrize("scheme", ["multinomial", "killing", "residual", "stratified", "systematic", "ssp"])
def test_all_schemes_in_a_longer_chain(scheme: str, threshold: float) -> None:
    runs = repeat(16, 128, scheme, threshold, 2000, seed=1)
    for lag in (None, 8):
        z = runs.z(each(runs, relative_variance, lag=lag))
        assert z > -4 and (z < 4 or scheme in ("residual", "killing"))  # conservative for these two
    if scheme == "multinomial":
        assert abs(runs.z(each(runs, lee_whiteley))) < 4
    elif threshold == 1.0:
        assert runs.z(each(runs, lee_whiteley)) < -4


@pytest.mark.parametrize("scheme", ["multinomial", "ssp"])
@pytest.mark.parametrize("threshold", [1.0, 0.5])
@pytest.mark.parametrize("lag", [None, 4])
def test_variance_of_an_expectation(scheme: str, threshold: float, lag: int | None) -> None:
    runs = repeat(8, 100, scheme, threshold, 400, seed=2)
    estimates = [float(expectation_variance(g, f, lag=lag)) for g, f in zip(runs.genealogies, runs.values, strict=True)]
    d = np.array(estimates) - runs.mean_error**2
    assert abs(d.mean() / (d.std(ddof=1) / 20)) < 4


def test_two_standard_errors_cover() -> None:
    runs = repeat(12, 128, "ssp", 0.5, 300, seed=3)
    covered = np.abs(np.log(runs.ratio)) < 2 * each(runs, log_evidence_error)
    assert 0.89 <= covered.mean() <= 0.99


def test_fixed_lag_survives_the_collapse_of_the_eves() -> None:
    runs = repeat(60, 16, "ssp", 1.0, 200, seed=4)
    full, lagged = each(runs, log_evidence_error), each(runs, log_evidence_error, lag=4)
    assert np.isinf(full).mean() > 0.6 and np.isfinite(lagged).mean() > 0.95
    assert abs(np.median(lagged) / np.log(runs.ratio).std() - 1) < 0.2  # about 1.5: sqrt(V) could not say so


def one_generation(lw: Floats) -> Genealogy:
    g = Genealogy()
    g.append(lw)
    return g


def test_importance_sampling_is_the_delta_method() -> None:
    lw = np.random.default_rng(0).normal(size=50)
    lw[3] = -math.inf
    g, w = one_generation(lw), np.exp(lw)
    delta = w.var(ddof=1) / 50 / w.mean() ** 2
    assert relative_variance(g) == pytest.approx(delta, rel=1e-12) == lee_whiteley(g)
    assert relative_variance(g) == pytest.approx(50 / 49 * (float((normalise(lw) ** 2).sum()) - 1 / 50), rel=1e-12)
    assert log_evidence_error(g) == pytest.approx(math.sqrt(-math.log1p(-delta)), rel=1e-12)
    assert log_evidence_error(g) == pytest.approx(math.sqrt(delta), rel=delta)  # first order
    f, W = np.arange(50.0), normalise(lw)
    delta_f = (W**2 * (f - W @ f) ** 2).sum() / (1 - (W**2).sum())
    assert expectation_variance(g, f) == pytest.approx(delta_f, rel=1e-12)


def test_generations_left_alone_change_nothing() -> None:
    rng = np.random.default_rng(1)
    total = rng.normal(size=(5, 30)).cumsum(0)
    g = one_generation(total[0])
    for before, after in pairwise(total):
        g.append(after, Ancestry(np.arange(30), normalise(before), resampled=False))
    once = one_generation(total[-1])
    assert relative_variance(g) == pytest.approx(relative_variance(once), rel=1e-10)
    assert lee_whiteley(g) == pytest.approx(lee_whiteley(once), rel=1e-12)
    assert expectation_variance(g, rng.random((30, 2))).shape == (2,)


def test_equal_weights_have_no_error() -> None:
    runs = one_generation(np.zeros(9))
    runs.append(np.zeros(9), Ancestry(np.arange(9), np.full(9, 1 / 9)))
    assert relative_variance(runs) == pytest.approx(0, abs=1e-15) and log_evidence_error(runs) < 1e-7


def test_a_run_without_distinct_pairs_knows_nothing() -> None:
    g = one_generation(np.zeros(4))
    g.append(np.zeros(4), Ancestry(np.full(4, 2), np.full(4, 0.25)))
    for single in (g, one_generation(np.zeros(1)), one_generation(np.array([0.0, -math.inf]))):
        N = single.sizes[-1]
        assert relative_variance(single) == lee_whiteley(single) == 1.0
        assert log_evidence_error(single) == math.inf
        assert expectation_variance(single, np.arange(N)) == math.inf


def test_no_evidence_no_error() -> None:
    g = one_generation(np.full(3, -math.inf))
    assert math.isnan(relative_variance(g)) and math.isnan(lee_whiteley(g)) and math.isnan(log_evidence_error(g))
    assert np.isnan(expectation_variance(g, np.zeros((3, 2)))).all()


def test_errors() -> None:
    with pytest.raises(ValueError, match="empty"):
        relative_variance(Genealogy())
    with pytest.raises(ValueError, match="lag 0"):
        log_evidence_error(one_generation(np.zeros(3)), lag=0)
    with pytest.raises(ValueError, match=r"expected \[3\]"):
        expectation_variance(one_generation(np.zeros(3)), np.zeros(4))
