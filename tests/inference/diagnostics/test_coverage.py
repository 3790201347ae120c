"""pass@k against enumeration, and planted coverage laws."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest

from steersman.inference.diagnostics.coverage import fit_coverage, pass_at_k


def test_pass_at_k_is_exact() -> None:
    cases = [(n, c, k) for n in range(1, 13) for c in range(n + 1) for k in range(1, n + 1)]
    n, c, k = np.array(cases).T
    exact = [float(1 - Fraction(comb(a - b, d), comb(a, d))) for a, b, d in cases]
    assert pass_at_k(n, c, k) == pytest.approx(exact, rel=1e-13, abs=0)


def test_pass_at_k_is_stable_and_broadcasts() -> None:
    assert pass_at_k(10**6, 1, 1) == pytest.approx(1e-6, rel=1e-13)
    assert pass_at_k(10_000, 3, [1, 100, 10_000]) == pytest.approx(
        [float(1 - Fraction(comb(9997, k), comb(10_000, k))) for k in (1, 100, 10_000)], rel=1e-12
    )
    assert pass_at_k(100, np.arange(5)[:, None], [1, 10]).shape == (5, 2)
    assert pass_at_k(5, 0, 5) == 0.0 and pass_at_k(5, 1, 5) == 1.0


def test_pass_at_k_is_unbiased() -> None:
    p, n, k = 0.15, 9, 4
    chance = np.array([comb(n, c) * p**c * (1 - p) ** (n - c) for c in range(n + 1)])
    assert chance @ pass_at_k(n, np.arange(n + 1), k) == pytest.approx(1 - (1 - p) ** k, rel=1e-13)


@pytest.mark.parametrize(
    ("n", "c", "k", "message"),
    [
        (5, 6, 1, "more successes"),
        (5, 1, 6, "k exceeds"),
        (5, -1, 2, "negative"),
        (5, 1, 0, "below 1"),
        (5, 1.5, 1, "whole"),
    ],
)
def test_pass_at_k_errors(n: float, c: float, k: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pass_at_k(n, c, k)


@pytest.mark.parametrize("a", [-0.2, -1.5, -6.0])
@pytest.mark.parametrize("b", [-0.1, -0.4, -0.9])
def test_planted_law_is_recovered(a: float, b: float) -> None:
    k = np.array([1, 2, 4, 8, 16, 64, 256, 1024])
    fit = fit_coverage(k, np.exp(a * k**b))
    assert (fit.a, fit.b) == pytest.approx((a, b), rel=1e-6)
    assert fit.residual < 1e-9
    assert fit.predict(10_000) == pytest.approx(np.exp(a * 10_000.0**b), rel=1e-6)


def test_noise_is_fitted_on_the_scale_of_coverage() -> None:
    rng, a, b = np.random.default_rng(0), -2.5, -0.35
    k = np.arange(1, 101)
    fits = [fit_coverage(k, np.clip(np.exp(a * k**b) + rng.normal(0, 0.01, 100), 0, 1)) for _ in range(200)]
    found = np.array([(f.a, f.b) for f in fits])
    assert (np.abs(found.mean(0) - [a, b]) < 4 * found.std(0) / np.sqrt(200) + 1e-3).all()
    y = np.clip(np.exp(a * k**b) + rng.normal(0, 0.01, 100), 0, 1)
    best = fit_coverage(k, y)
    for da, db in [(1e-3, 0), (-1e-3, 0), (0, 1e-3), (0, -1e-3)]:
        near = np.exp((best.a + da) * k ** (best.b + db)) - y
        assert near @ near > best.residual**2 * 100


def test_saturated_coverage_is_fitted() -> None:
    fit = fit_coverage([1, 10, 100, 1000], [0.5, 0.9, 1.0, 1.0])
    assert fit.residual < 0.02 and fit.predict([1, 10, 100]) == pytest.approx([0.5, 0.9, 1.0], abs=0.03)


@pytest.mark.parametrize(
    ("k", "y", "message"),
    [
        ([1, 2], [0.5], "common shape"),
        ([0, 2], [0.1, 0.2], "positive"),
        ([1, 2], [0.1, 1.2], "between 0 and 1"),
        ([1, 2], [0.1, np.nan], "between 0 and 1"),
        ([1, 1], [0.1, 0.2], "two or more different k"),
        ([1, 2], [0.0, 1.0], "two or more different k"),
        ([1, 2, 3], [0.5, 0.4, 0.3], "does not grow"),
    ],
)
def test_fit_errors(k: list[float], y: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_coverage(k, y)
