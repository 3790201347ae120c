"""Isotonic regression of outcomes on scores: of their mean, or of a quantile of them.

Of all increasing functions f, the one that minimises sum_i l(y_i, f(s_i)), with l the square (the mean) or the pinball
loss (a quantile), by pooling adjacent violators: neighbouring blocks whose values decrease are merged, and a block has
the value that is best for all its points (Ayer et al. 1955; for quantiles, in their lower version, Jordan, Muehlemann &
Ziegel 2022, "Characterizing the optimal solutions to the isotonic regression problem for identifiable functionals").
Equal scores are one point.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


class Isotonic:
    """An increasing map from scores to outcomes, [n] -> [n]; between scores it is linear, outside it is constant.

    scores, outcomes [n]: outcomes are 0 or 1, or shares of rollouts that succeeded. level: None for the mean, else the
    quantile, in (0, 1): at 0.1, nine of ten items do at least that well. Raises ValueError for shapes and NaN.
    """

    def __init__(self, scores: ArrayLike, outcomes: ArrayLike, level: float | None = None) -> None:
        if level is not None and not 0 < level < 1:
            raise ValueError(f"level={level}: a quantile lies strictly between 0 and 1")
        s, y = checked(scores, outcomes)
        order = np.lexsort((y, s))
        s, y = s[order], y[order]
        starts = np.flatnonzero(np.concatenate([[True], s[1:] > s[:-1]]))
        self.scores = s[starts]
        self.values = pool([*starts.tolist(), len(s)], _mean(y) if level is None else _quantile(y, level))

    def __call__(self, scores: ArrayLike) -> Floats:
        return np.asarray(np.interp(np.asarray(scores, np.float64), self.scores, self.values))


def pool(bounds: list[int], best: Callable[[int, int], float]) -> Floats:
    """The value of each group of points bounds[g]:bounds[g + 1]; best(i, j) is that of a block of points i:j."""
    blocks: list[tuple[int, int, float]] = []  # first group, first point, value
    for g, (start, end) in enumerate(pairwise(bounds)):
        first, value = g, best(start, end)
        while blocks and blocks[-1][2] > value:
            first, start, _ = blocks.pop()
            value = best(start, end)
        blocks.append((first, start, value))
    ends = [first for first, _, _ in blocks[1:]] + [len(bounds) - 1]
    return np.repeat([v for _, _, v in blocks], np.diff([0, *ends]))


def _mean(y: Floats) -> Callable[[int, int], float]:
    total = np.concatenate([[0.0], np.cumsum(y)])
    return lambda i, j: float((total[j] - total[i]) / (j - i))


def _quantile(y: Floats, level: float) -> Callable[[int, int], float]:
    """The lower quantile: the smallest y that a share of at least `level` does not exceed."""

    def best(i: int, j: int) -> float:
        k = max(0, int(np.ceil(level * (j - i) * (1 - 1e-12))) - 1)
        return float(np.partition(y[i:j], k)[k])

    return best


def checked(scores: ArrayLike, outcomes: ArrayLike) -> tuple[Floats, Floats]:
    """Both as numbers. Raises ValueError unless they are as many, at least one, finite, and outcomes in [0, 1]."""
    s, y = np.asarray(scores, np.float64), np.asarray(outcomes, np.float64)
    if s.ndim != 1 or s.shape != y.shape or not len(s):
        raise ValueError(f"scores and outcomes are two lists of one length, found shapes {s.shape} and {y.shape}")
    if not np.isfinite(s).all():
        raise ValueError(f"score {int(np.flatnonzero(~np.isfinite(s))[0])} is not finite; leave that item out")
    if not ((y >= 0) & (y <= 1)).all():
        raise ValueError("an outcome is 0 or 1, or a share of successes between them")
    return s, y
