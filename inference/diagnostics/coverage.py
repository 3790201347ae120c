"""Coverage under repeated sampling: pass@k, and the law by which it grows with the number of attempts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from steersman.ppl.protocols import Floats

_STEPS = 200
_CONVERGED = 1e-12


def pass_at_k(n: ArrayLike, c: ArrayLike, k: ArrayLike) -> Floats:
    """Unbiased estimate of the chance that k attempts hold a success, from n attempts with c successes.

        pass@k = 1 - C(n - c, k) / C(n, k) = 1 - prod_{i=0}^{m-1} (1 - M / (n - i)),  m = min(c, k), M = max(c, k)

    Source: Chen et al. 2021, "Evaluating large language models trained on code", section 2.1. n, c and k are whole
    numbers that broadcast; the result has their common shape. The product is summed as logarithms, so small values
    keep their relative precision. (1 - (1 - c/n)^k, the plug-in estimate, is biased.)

    Raises ValueError unless 0 <= c <= n and 1 <= k <= n everywhere.
    """
    n_, c_, k_ = np.broadcast_arrays(*(_whole(x, name) for x, name in ((n, "n"), (c, "c"), (k, "k"))))
    for wrong, message in (
        (c_ < 0, "c is negative"),
        (c_ > n_, "more successes c than attempts n"),
        (k_ < 1, "k is below 1"),
        (k_ > n_, "k exceeds the attempts n"),
    ):
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            raise ValueError(f"pass_at_k: {message} (n = {n_.flat[at]}, c = {c_.flat[at]}, k = {k_.flat[at]})")
    certain = n_ - c_ < k_
    few, many = np.where(certain, 0, np.minimum(c_, k_)), np.maximum(c_, k_)
    log_fail = np.zeros(n_.shape)
    for i in range(int(few.max(initial=0))):
        open_ = i < few
        log_fail += np.log1p(-np.where(open_, many, 0) / np.where(open_, n_ - i, 1))
    return np.where(certain, 1.0, -np.expm1(log_fail))


@dataclass(frozen=True, slots=True)
class CoverageFit:
    """Coverage c(k) = exp(a k^b) with a, b < 0, and the root mean square residual of the fit."""

    a: float
    b: float
    residual: float

    def predict(self, k: ArrayLike) -> Floats:
        """Coverage at k attempts (any k > 0), in (0, 1); the shape of k."""
        coverage: Floats = np.exp(self.a * np.asarray(k, np.float64) ** self.b)
        return coverage


def fit_coverage(ks: ArrayLike, coverage: ArrayLike) -> CoverageFit:
    """Fit the exponentiated power law c(k) = exp(a k^b) to coverages measured at several k.

    Least squares of log(-log c) = log(-a) + b log k gives the start; Gauss-Newton steps with Levenberg's damping, in
    (log(-a), b), then minimise sum (c(k) - coverage)^2. Source: Brown et al. 2024, "Large language monkeys: scaling
    inference compute with repeated sampling", section 3. `ks` and `coverage` have shape [m].

    Raises ValueError for shapes that differ, k <= 0, coverage outside [0, 1], fewer than two different k with coverage
    strictly between 0 and 1, or coverage that does not grow with k (then no b < 0 fits).
    """
    k, y = np.asarray(ks, np.float64), np.asarray(coverage, np.float64)
    if k.ndim != 1 or k.shape != y.shape:
        raise ValueError(f"fit_coverage: ks {k.shape} and coverage {y.shape} need one common shape [m]")
    if not ((k > 0).all() and (y >= 0).all() and (y <= 1).all()):
        raise ValueError("fit_coverage: every k must be positive and every coverage between 0 and 1")
    inside = (y > 0) & (y < 1)
    if len(np.unique(k[inside])) < 2:
        raise ValueError("fit_coverage: needs coverage strictly between 0 and 1 at two or more different k")
    x = np.log(k)
    slope, intercept = np.polyfit(x[inside], np.log(-np.log(y[inside])), 1)
    if not slope < 0:
        raise ValueError("fit_coverage: coverage does not grow with k, so no law exp(a k^b) with b < 0 fits")
    theta = _least_squares(np.array([intercept, slope]), x, y)
    if not theta[1] < 0:
        raise ValueError("fit_coverage: the best fit does not grow with k, so no law exp(a k^b) with b < 0 fits")
    a = -float(np.exp(theta[0]))
    residual = _curve(theta, x) - y
    return CoverageFit(a, float(theta[1]), float(np.sqrt(residual @ residual / len(y))))


def _curve(theta: Floats, x: Floats) -> Floats:
    curve: Floats = np.exp(-np.exp(theta[0] + theta[1] * x))
    return curve


def _least_squares(theta: Floats, x: Floats, y: Floats) -> Floats:
    damping = 1e-3
    error = _curve(theta, x) - y
    for _ in range(_STEPS):
        fitted = error + y
        slope = -fitted * np.exp(theta[0] + theta[1] * x)
        J = np.stack([slope, slope * x], axis=1)
        A = J.T @ J
        step = np.linalg.solve(A + damping * np.diag(np.diag(A) + 1e-300), -(J.T @ error))
        trial = _curve(theta + step, x) - y
        if trial @ trial <= error @ error:
            theta, error, damping = theta + step, trial, damping / 10
            if np.abs(step).max() < _CONVERGED:
                break
        else:
            damping *= 10
    return theta


def _whole(x: ArrayLike, name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    given = np.asarray(x)
    whole = given.astype(np.int64)
    if (whole != given).any():
        raise ValueError(f"pass_at_k: {name} must be whole numbers, not {x!r}")
    return whole
