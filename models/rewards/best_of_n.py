"""The best of N in closed form: its law on a finite set, its distance from the model, and how often it wins.

K items of probabilities p(y) and rewards r(y), F and F- as in `quantile`. The best of N independent draws has the law

    P_N(y) = p(y) [F(r)^N - F(r-)^N] / [F(r) - F(r-)]

Where the reward is continuous, KL(P_N || p) = log N - (N - 1)/N, which bounds it wherever there are ties (Beirami et
al. 2024, "Theoretical guarantees on the best-of-n alignment policy"), and the best beats another draw with probability
N/(N + 1). n need not be whole, and is at least 1. Densities and divergences are in nats.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .quantile import Quantile

Floats = NDArray[np.float64]


def best_of_n_log_prob(log_p: ArrayLike, rewards: ArrayLike, n: float) -> Floats:
    """log P_N of every item of a finite set, [K].

    log_p [K]: of the items, which must sum to one. rewards [K]: finite or not; ties are meant, and share by p. Raises
    ValueError for other shapes, NaN, or probabilities that sum to something else.
    """
    _, F = _finite_set(log_p, rewards)
    return np.asarray(log_p, np.float64) + F.best_of(n)(rewards)


def best_of_n_kl(n: float, log_p: ArrayLike | None = None, rewards: ArrayLike | None = None) -> float:
    """KL(P_N || p): exact on a finite set [K]; without one log n - (n - 1)/n, exact where no two draws ever tie."""
    if log_p is None or rewards is None:
        return math.log(_checked(n)) - (n - 1) / n
    p, F = _finite_set(log_p, rewards)
    log_ratio = F.best_of(n)(rewards)
    some = p * np.exp(log_ratio) > 0
    return float((p * np.exp(log_ratio))[some] @ log_ratio[some])


def best_of_n_win_rate(n: float, log_p: ArrayLike | None = None, rewards: ArrayLike | None = None) -> float:
    """The probability that the best of n has a higher reward than one more draw, ties counted half: exact on a finite
    set [K]; without one n/(n + 1), exact where no two draws ever tie."""
    if log_p is None or rewards is None:
        return _checked(n) / (n + 1)
    p, F = _finite_set(log_p, rewards)
    return float(p * np.exp(F.best_of(n)(rewards)) @ (F(rewards) + F.below(rewards)) / 2)


def best_of_n_bounds(log_q: ArrayLike, log_p: ArrayLike, rewards: ArrayLike, n: float) -> tuple[float, float]:
    """Bounds of -KL(q || P_N) for a policy q on a finite set, (lower, upper):

        L = (n - 1) E_q log F(r) - KL(q || p)  <=  -KL(q || P_N)  <=  L + log n

    since P_N / p lies between F^(n-1) and n F^(n-1). L / (n - 1) is the objective of variational best-of-N: reward
    log F, KL weight 1/(n - 1) (Amini, Vieira & Cotterell 2024, "Variational best-of-N alignment"). It is largest at
    q ~ p F^(n-1), the law of a program with the factor `Quantile.surrogate(n)`, and is log Z there. log_q [K].
    """
    p, F = _finite_set(log_p, rewards)
    q = _probabilities("log_q", log_q)
    if q.shape != p.shape:
        raise ValueError(f"best_of_n: log_q has shape {q.shape}, log_p {p.shape}")
    some = q > 0
    with np.errstate(divide="ignore"):
        log_ratio = F.surrogate(n)(rewards)[some] + np.log(p[some]) - np.log(q[some])
    lower = float(q[some] @ log_ratio)
    return lower, lower + math.log(n)


def _finite_set(log_p: ArrayLike, rewards: ArrayLike) -> tuple[Floats, Quantile]:
    p = _probabilities("log_p", log_p)
    if np.shape(rewards) != p.shape:
        raise ValueError(f"best_of_n: {len(p)} items need {len(p)} rewards, found shape {np.shape(rewards)}")
    return p, Quantile(rewards, p)


def _probabilities(name: str, log_p: ArrayLike) -> Floats:
    p: Floats = np.exp(np.asarray(log_p, np.float64))
    if p.ndim != 1 or not abs(p.sum() - 1) < 1e-6:  # NaN fails, too
        raise ValueError(f"best_of_n: {name} is one list of log probabilities that sum to 1, found shape {p.shape} "
                         f"with sum {p.sum():g}; subtract their log-sum-exp")
    return p


def _checked(n: float) -> float:
    if not 1 <= n < math.inf:
        raise ValueError(f"best_of_n: the best of n={n} draws; n is at least 1")
    return n
