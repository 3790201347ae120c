"""Importance weights: log-sum-exp, normalisation and effective sample size (Liu 2001, section 2.5.3).

For log weights lw_i, i = 1..N (float64, shape [N]):

    W_i = exp(lw_i) / sum_j exp(lw_j)        ESS = 1 / sum_i W_i^2  in [1, N]

A weight of zero is a log weight of -inf and is ordinary. When every weight is zero, W is all zeros, the sums are
-inf and ESS is 0. NaN and +inf are errors of whoever computed the weight, and are reported with their position.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from steersman.ppl.protocols import Floats


def log_sum_exp(log_weights: ArrayLike) -> float:
    """log sum_i exp(lw_i); -inf for no weights, or when all of them are -inf."""
    lw, top = _checked(log_weights)
    if top == -math.inf:
        return -math.inf
    return top + math.log(np.exp(lw - top).sum())


def log_mean_exp(log_weights: ArrayLike) -> float:
    """log (1/N) sum_i exp(lw_i), the log of the mean weight; -inf when all of them are -inf."""
    lw = np.asarray(log_weights, np.float64)
    if lw.size == 0:
        raise ValueError("log_mean_exp: no weights, so there is no mean")
    return log_sum_exp(lw) - math.log(lw.size)


def normalise(log_weights: ArrayLike) -> Floats:
    """W_i = exp(lw_i) / sum_j exp(lw_j), shape [N]; all zeros when every log weight is -inf."""
    lw, top = _checked(log_weights)
    if top == -math.inf:
        return np.zeros(lw.shape)
    W: Floats = np.exp(lw - top)
    W /= W.sum()
    return W


def ess(W: ArrayLike | None = None, *, log_weights: ArrayLike | None = None) -> float:
    """Effective sample size (sum_i W_i)^2 / sum_i W_i^2 of weights, or of `log_weights`; 0 when all weights are zero.

    Weights and log weights cannot be told apart by their values, so log weights go by keyword. W need not be
    normalised.
    """
    if (W is None) == (log_weights is None):
        raise TypeError("ess: give either weights, ess(W), or log weights, ess(log_weights=lw)")
    w = normalise(log_weights) if log_weights is not None else np.asarray(W, np.float64)
    top = float(w.max(initial=0.0))
    if top == 0.0:
        return 0.0
    w = w / top  # so that squares of tiny weights do not vanish
    total = float(w.sum())
    return total * total / float(w @ w)


def _checked(log_weights: ArrayLike) -> tuple[Floats, float]:
    lw = np.asarray(log_weights, np.float64)
    top = float(lw.max(initial=-math.inf))
    if not top < math.inf:  # NaN fails every comparison
        at = int(np.flatnonzero(np.isnan(lw) | (lw == math.inf))[0])
        raise ValueError(f"log weight {at} of {lw.size} is {lw[at]}: log weights are finite or -inf")
    return lw, top
