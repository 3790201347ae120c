"""Arithmetic shared by the resamplers: the inverse distribution function, and whole and fractional offspring."""

from __future__ import annotations

import numpy as np

from steersman.ppl.protocols import Floats

from .ancestry import Indices

_WHOLE = 1e-12
"""n W_i this close (relatively) to a whole number is that number: 49 * (1/49) < 1 in floating point."""


def inverse_cdf(W: Floats, points: Floats) -> Indices:
    """The parent i with W_1 + .. + W_{i-1} <= p < W_1 + .. + W_i, for every point p in [0, 1]; cost n log M.

    W [M] is used up to a constant. A parent of weight zero owns an empty interval and is never returned, whatever
    the rounding; a point that rounds to the total goes to the last parent that contributed to it.
    """
    cumulative = W.cumsum()
    total = cumulative[-1]
    index = cumulative.searchsorted(points * total, side="right")
    last: Indices = np.minimum(index, cumulative.searchsorted(total))
    return last


def whole_and_rest(W: Floats, n: int) -> tuple[Indices, Floats, int]:
    """Expected offspring n W_i = whole_i + rest_i with 0 <= rest_i < 1; third, n - sum_i whole_i, the sum of `rest`."""
    expected = W * (n / W.sum())
    nearest = np.rint(expected)
    close = np.abs(expected - nearest) <= _WHOLE * nearest
    whole = np.where(close, nearest, np.floor(expected))
    rest = np.where(close, 0.0, expected - whole)
    counts = whole.astype(np.int64)
    return counts, rest, n - int(counts.sum())


def children(counts: Indices) -> Indices:
    """Parent i repeated counts_i times, ascending."""
    return np.arange(len(counts)).repeat(counts)
