"""Calibration by a logistic curve: p = sigmoid(a s + b), or sigmoid(s / T), which keeps the bias.

The log loss is convex in (a, b); Newton's method with halved steps finds its minimum. As Platt proposes, the outcomes
are moved inwards, 1 to (n1 + 1) / (n1 + 2) and 0 to 1 / (n0 + 2) with n1 and n0 their numbers, so that scores that
separate them perfectly do not ask for an infinite slope (Platt 1999; Lin, Lin & Weng 2007, "A note on Platt's
probabilistic outputs"; temperature: Guo et al. 2017, "On calibration of modern neural networks").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .isotonic import checked

Floats = NDArray[np.float64]
MOST_STEPS = 100


class Logistic:
    """The map s -> sigmoid(slope s + bias), [n] -> [n], fitted to outcomes; bias is 0 unless `biased`.

    Raises ValueError where the slope comes out as not positive: the scores say nothing, or the opposite.
    """

    def __init__(self, scores: ArrayLike, outcomes: ArrayLike, *, biased: bool = True) -> None:
        s, y = checked(scores, outcomes)
        n1 = y.sum()
        n0 = len(y) - n1
        targets = y * (n1 + 1) / (n1 + 2) + (1 - y) / (n0 + 2)
        centre, scale = (s.mean(), s.std() or 1.0) if biased else (0.0, np.sqrt(np.mean(s * s)) or 1.0)
        x = (s - centre) / scale  # so that both directions are of one size
        a, *b = minimise(np.stack([x, np.ones_like(x)] if biased else [x], 1), targets)
        self.slope = float(a / scale)
        self.bias = float(b[0] - a * centre / scale) if biased else 0.0
        if not self.slope > 0:
            raise ValueError(f"the outcomes do not rise with the scores (slope {self.slope:.3g}): there is nothing to "
                             "calibrate; negate the scores if they mean the opposite")

    @property
    def temperature(self) -> float:
        return 1 / self.slope

    def __call__(self, scores: ArrayLike) -> Floats:
        return sigmoid(self.slope * np.asarray(scores, np.float64) + self.bias)


def minimise(X: Floats, targets: Floats) -> Floats:
    """argmin_c sum_i log(1 + exp(x_i c)) - t_i x_i c, for X [n, k] and targets [n] in (0, 1)."""

    def loss(c: Floats) -> float:
        return float((np.logaddexp(0.0, X @ c) - targets * (X @ c)).sum())

    c = np.zeros(X.shape[1])
    value = loss(c)
    for _ in range(MOST_STEPS):
        p = sigmoid(X @ c)
        gradient = X.T @ (p - targets)
        if np.abs(gradient).max() < 1e-9 * len(X):
            break
        hessian = (X.T * (p * (1 - p))) @ X + 1e-12 * len(X) * np.eye(len(c))
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while (new := loss(c - size * step)) > value and size > 1e-10:
            size /= 2
        c, value = c - size * step, new
    return c


def sigmoid(x: ArrayLike) -> Floats:
    return np.exp(-np.logaddexp(0.0, -np.asarray(x, np.float64)))
