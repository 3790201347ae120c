"""Who descends from whom: the result of one resampling step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steersman.ppl.protocols import Floats

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Ancestry:
    """Child j descends from parent index[j] and carries normalised weight weights[j]; both have shape [n].

    The law of every resampler, for parents i = 1..M with normalised weights W:

        E[ sum_j weights_j 1{index_j = i} ] = W_i                                                         (unbiased)

    so any weighted mean over the children has the parents' weighted mean as its expectation. The children of one
    parent are adjacent and weigh the same. `resampled` is False where an adaptive resampler left the population
    alone (then index is 0..M-1 and the weights are the parents' own).
    """

    index: Indices
    weights: Floats
    resampled: bool = True

    def __len__(self) -> int:
        return len(self.index)

    def in_place(self, M: int) -> Ancestry:
        """The same children, ordered so that as few slots as possible change hands (see `in_place`)."""
        order = _order(self.index, M)
        return Ancestry(self.index[order], self.weights[order], self.resampled)


def equal_weights(index: Indices) -> Ancestry:
    """n children of weight 1/n each."""
    n = len(index)
    return Ancestry(index, np.full(n, 1.0 / n))


def identity(W: Floats) -> Ancestry:
    """Every parent is its own only child and keeps its weight: no resampling."""
    return Ancestry(np.arange(len(W)), W, resampled=False)


def in_place(index: NDArray[np.integer[Any]], M: int) -> Indices:
    """Permute the children so that the first child of every surviving parent i < n sits in slot i; shape [n].

    Only then does a slot j with out[j] == j need no copy of its state (cache, coroutine). No ordering leaves more
    slots alone, for a slot can keep only its own parent. The siblings fill the other slots in ascending order.
    `index` holds the children of one parent side by side, as resamplers return it.
    """
    ascending = index.astype(np.int64, copy=False)
    return ascending[_order(ascending, M)]


def _order(index: Indices, M: int) -> Indices:
    n = len(index)
    if n and (index.min() < 0 or index.max() >= M):
        raise ValueError(f"in_place: ancestors run from {index.min()} to {index.max()}, but there are {M} parents")
    stays = np.ones(n, np.bool_)
    stays[1:] = index[1:] != index[:-1]
    stays &= index < n
    order = np.full(n, -1)
    order[index[stays]] = np.flatnonzero(stays)
    order[order < 0] = np.flatnonzero(~stays)
    return order
