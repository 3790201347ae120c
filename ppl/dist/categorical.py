"""Categorical laws over a vector of probabilities or logits, for a whole group by NumPy.

With weights w = probs, or exp(logits - max logits):  log p(i) = log w_i - log sum(w), and a draw is the first i with
w_0 + ... + w_i > u sum(w), so an element of weight 0 is never drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..protocols import Floats
from .record import Record
from .scalar_path import scalars

_SLACK = 1e-3  # probabilities may miss a sum of 1 by rounding; they are normalised


class CategoricalPath:
    """Categorical(probs) or Categorical(logits) with one vector of k weights; values are 0 ... k-1."""

    def __init__(self, logits: bool) -> None:
        self._logits = logits

    def _log_weights(self, members: Sequence[Record[Any]]) -> tuple[Floats, Floats, Floats]:
        """(w, log w, log sum w): [n, k], [n, k], [n, 1], or with one row where all members share one vector."""
        first = members[0].flat()[1][0]
        if all(m.flat()[1][0] is first for m in members):
            given = np.asarray(first, np.float64)[None]
        else:
            given = np.stack([np.asarray(m.flat()[1][0], np.float64) for m in members])
        with np.errstate(divide="ignore", invalid="ignore"):
            if self._logits:
                log_w = given - given.max(-1, keepdims=True)
                w = np.exp(log_w)
                return w, log_w, np.log(w.sum(-1, keepdims=True))
            total = given.sum(-1, keepdims=True)
            valid = (given >= 0).all(-1, keepdims=True) & (np.abs(total - 1.0) < _SLACK)
            return given, np.log(given), np.where(valid, np.log(total), np.nan)

    def draw(self, members: Sequence[Record[Any]], uniforms: Floats) -> tuple[list[int], Floats]:
        w, log_w, log_total = self._log_weights(members)
        cumulative = np.cumsum(w, -1)
        total = cumulative[:, -1]
        threshold = np.minimum(uniforms * total, np.nextafter(total, 0.0))
        if len(w) == 1:
            index = np.searchsorted(cumulative[0], threshold, side="right")
        else:
            index = (cumulative <= threshold[:, None]).sum(-1)
        index = np.minimum(index, w.shape[-1] - 1)  # NaN weights: scored NaN below
        return index.tolist(), _gather(log_w, log_total, index)

    def log_prob(self, members: Sequence[Record[Any]], values: Sequence[Any]) -> Floats:
        _, log_w, log_total = self._log_weights(members)
        x = np.asarray(scalars(members, values), np.float64)
        inside = (x >= 0) & (x < log_w.shape[-1]) & (x == np.floor(x))
        scores = _gather(log_w, log_total, np.where(inside, x, 0).astype(np.int64))
        return np.where(inside, scores, -np.inf)

    def support(self, member: Record[Any]) -> tuple[int, ...]:
        return tuple(range(member.flat()[1][0].shape[0]))


def _gather(log_w: Floats, log_total: Floats, index: np.ndarray[Any, np.dtype[np.int64]]) -> Floats:
    rows = np.zeros(len(index), np.int64) if len(log_w) == 1 else np.arange(len(index))
    result: Floats = log_w[rows, index] - log_total[rows, 0]
    return result
