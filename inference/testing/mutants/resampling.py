"""Bugs of resampling schemes, as functions that SMC accepts."""

from __future__ import annotations

import numpy as np

from steersman.ppl.keys import Key
from steersman.ppl.protocols import Floats

from ...resampling import Ancestry, get_resampler


def floor_biased(W: Floats, n: int, key: Key, /) -> Ancestry:
    """Each parent has floor(n W_i) children and the heaviest gets all that is left over."""
    counts = np.floor(n * W).astype(np.int64)
    counts[int(np.argmax(W))] += n - counts.sum()
    return Ancestry(np.repeat(np.arange(len(W)), counts), np.full(n, 1.0 / n))


def heaviest(W: Floats, n: int, key: Key, /) -> Ancestry:
    """The n heaviest parents survive, with equal weights: beam search that claims a posterior."""
    index = np.sort(np.argsort(-W, kind="stable")[:n])
    return Ancestry(index, np.full(len(index), 1.0 / n))


def optimal_uniform(W: Floats, n: int, key: Key, /) -> Ancestry:
    """Optimal resampling whose children all weigh 1/n instead of max(W_i, 1/c)."""
    fair = get_resampler("optimal")(W, n, key)
    return Ancestry(fair.index, np.full(n, 1.0 / n))


def optimal_too_few(W: Floats, n: int, key: Key, /) -> Ancestry:
    """Optimal resampling that returns each parent at most once, so fewer than n where few have weight."""
    fair = get_resampler("optimal")(W, n, key)
    index, first = np.unique(fair.index, return_index=True)
    weights = np.array([fair.weights[fair.index == i].sum() for i in index])
    return Ancestry(index, weights) if len(first) < n else fair


def optimal_zero_weight(W: Floats, n: int, key: Key, /) -> Ancestry:
    """Optimal resampling that fills up with parents of weight zero, at the threshold weight."""
    positive, dead = np.flatnonzero(W), np.flatnonzero(W == 0.0)
    spare = min(n - len(positive), len(dead))
    if spare <= 0:
        return get_resampler("optimal")(W, n, key)
    fair = get_resampler("optimal")(W, n - spare, key)
    threshold = float(fair.weights.min())
    weights = np.concatenate([fair.weights, np.full(spare, threshold)])
    return Ancestry(np.concatenate([fair.index, dead[:spare]]), weights)
