"""Optimal resampling without replacement."""

from __future__ import annotations

import numpy as np

from steersman.ppl.keys import Key
from steersman.ppl.protocols import Floats

from .ancestry import Ancestry, Indices
from .counting import children, inverse_cdf
from .registry import resampler


@resampler("optimal")
def optimal(W: Floats, n: int, key: Key, /) -> Ancestry:
    """Keep n of M weighted parents, no parent twice; a child of parent i weighs max(W_i, 1/c), where

        sum_i min(c W_i, 1) = n                                                          (threshold c, unique)

    Parents with W_i >= 1/c are kept for sure, with their own weight; the others survive with probability c W_i
    (a systematic draw without replacement) and then weigh 1/c. Hence E[weight of i] = W_i, and the expected squared
    error of the weights, E sum_i (weight_i - W_i)^2, is the least of all unbiased schemes. The weights sum to one
    in expectation only. Meant for M = N K distinct extensions and n = N (enumerated tokens), where a copy of a parent
    would be wasted. Source: Fearnhead & Clifford 2003, "On-line inference for hidden Markov models via particle
    filters", section 3.2, theorem 1. Cost M log M.

    No child has weight zero. When at most n parents have a positive weight each is kept, and the n - M spare children
    go to splitting the heaviest: parent i becomes m_i children of weight W_i / m_i. This is not random.
    """
    positive = np.flatnonzero(W)
    w = W[positive]
    if len(w) <= n:
        m = _shares(w, n)
        return Ancestry(positive[children(m)], (w / m).repeat(m))
    order = np.argsort(-w, kind="stable")
    kept, threshold = _threshold(w[order], n)
    certain, others = order[:kept], np.sort(order[kept:])
    spare = n - kept
    drawn = others[inverse_cdf(w[others], (np.arange(spare) + key.uniform()) / spare)] if spare else others[:0]
    chosen = np.concatenate([certain, drawn])
    weights = np.concatenate([w[certain], np.full(spare, threshold)])
    ascending = np.argsort(chosen)
    return Ancestry(positive[chosen[ascending]], weights[ascending])


def _threshold(w: Floats, n: int) -> tuple[int, float]:
    """How many of the descending weights w are kept for sure, and the weight 1/c of those drawn.

    With the A heaviest kept, 1/c = (w_{A+1} + .. + w_M) / (n - A); A is the least for which w_{A+1} < 1/c.
    1/c rather than c, which overflows where all but n weights are tiny.
    """
    tails = w[::-1].cumsum()[::-1][:n]
    thresholds = tails / (n - np.arange(n))
    fits = w[:n] < thresholds
    A = int(fits.argmax())
    if not fits[A]:  # the weights beyond the n heaviest vanish beside them
        return n, 0.0
    return A, float(thresholds[A])


def _shares(w: Floats, n: int) -> Indices:
    """Children m_i >= 1 of each of the k <= n parents, sum n: m_i about max(1, c w_i) with sum_i max(1, c w_i) = n."""
    k = len(w)
    order = np.argsort(-w, kind="stable")
    descending = w[order]
    c = (n - k + np.arange(1, k + 1)) / descending.cumsum()  # if just the h heaviest are split, h = 1..k
    split = np.count_nonzero(c * descending >= 1.0)
    m = np.ones(k, np.int64)
    if split:
        heavy = order[:split]
        m[heavy] = np.maximum(1, np.floor(c[split - 1] * descending[:split]).astype(np.int64))
    m[np.argsort(-w / m, kind="stable")[: n - int(m.sum())]] += 1
    return m
