"""Rewards on the scale of the reference model: quantiles among its draws, and the law of the best of N.

With R the reward of a reference draw, F(r) = P(R <= r) and F(r-) = P(R < r). The best of N independent draws, ties
broken at random, has reward at most r with probability F(r)^N; as all texts of one reward keep their proportions,

    P_N(y) = p(y) [F(r)^N - F(r-)^N] / [F(r) - F(r-)],    r = r(y),

which is p(y) N F(r)^(N-1) where no ties are (Beirami et al. 2024, "Theoretical guarantees on the best-of-n alignment
policy"; Amini et al. 2024, "Variational best-of-N alignment", for the continuous case). So the factor
log P_N(y) / p(y) turns a program over p into one over its best of N.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


class Quantile:
    """The distribution function F of the reference rewards `draws` [m], as a map r -> F(r), [n] -> [n].

    weights [m]: of the draws, equal by default; the values and probabilities of an enumeration make F exact.
    Calibration by this map is that of InfAlign (Balashankar et al. 2024): r and any increasing function of
    it have the same quantiles. Raises ValueError for draws that are NaN, or none.
    """

    def __init__(self, draws: ArrayLike, weights: ArrayLike | None = None) -> None:
        values = np.asarray(draws, np.float64)
        mass = np.ones(len(values)) if weights is None else np.asarray(weights, np.float64)
        if values.ndim != 1 or not len(values) or np.isnan(values).any():
            raise ValueError("a quantile needs the rewards of at least one reference draw, numbers in one list")
        if mass.shape != values.shape or not (mass >= 0).all() or not mass.sum() > 0:
            raise ValueError("a quantile needs a weight of at least 0 for each reference draw")
        order = np.argsort(values, kind="stable")
        self._values = values[order]
        self._cumulative = np.concatenate([[0.0], np.cumsum(mass[order]) / mass.sum()])
        self._cumulative[-1] = 1.0

    def __call__(self, rewards: ArrayLike) -> Floats:
        """F(r) = P(R <= r)."""
        return self._cumulative[np.searchsorted(self._values, np.asarray(rewards, np.float64), "right")]

    def below(self, rewards: ArrayLike) -> Floats:
        """F(r-) = P(R < r)."""
        return self._cumulative[np.searchsorted(self._values, np.asarray(rewards, np.float64), "left")]

    def best_of(self, n: float) -> Callable[[ArrayLike], Floats]:
        """The map r -> log of the factor above, for the best of n reference draws; -inf below all of them. n need not
        be whole."""
        if not 1 <= n < math.inf:
            raise ValueError(f"best_of({n}): the best of at least 1 draw")

        def log_factor(rewards: ArrayLike) -> Floats:
            high, low = self(rewards), self.below(rewards)
            with np.errstate(divide="ignore", invalid="ignore"):
                # [F^n - F-^n] / [F - F-] = F^(n-1) (1 - x^n) / (1 - x) with x = F- / F, its limit n where x is 1
                x = low / high
                ratio = np.where(x < 1, -np.expm1(n * np.log(x)) / (1 - x), n)
                factor = (n - 1) * np.log(high) + np.log(ratio)
            return np.where(high > 0, factor, -np.inf if n > 1 else 0.0)

        return log_factor

    def surrogate(self, n: float) -> Callable[[ArrayLike], Floats]:
        """The map r -> (n - 1) log F(r), -inf below all reference draws: the factor that turns p into p F^(n-1), which
        variational best-of-N aims at. Without ties this is the best of n; it is too generous to low rewards that many
        draws share (see `best_of_n_bounds`)."""
        if not 1 <= n < math.inf:
            raise ValueError(f"surrogate({n}): the best of at least 1 draw")

        def log_factor(rewards: ArrayLike) -> Floats:
            with np.errstate(divide="ignore"):
                return np.asarray((n - 1) * np.log(self(rewards)) if n > 1 else np.zeros(np.shape(rewards)), np.float64)

        return log_factor


def exponential(t: float) -> Callable[[ArrayLike], Floats]:
    """The transform u -> sign(t) exp(t u) of a quantile u: with t > 0 for what is to win the best of N, with t < 0 for
    what is to survive the worst of N (InfAlign-CTRL). ``factor(phi / beta)`` tilts by it."""
    if t == 0 or not math.isfinite(t):
        raise ValueError(f"exponential({t}): t is a number other than 0")
    return lambda u: np.sign(t) * np.exp(t * np.asarray(u, np.float64))
