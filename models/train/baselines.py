"""N-gram baselines over the model's own tokens: interpolated Kneser-Ney.

For a context h of m - 1 tokens, and h' the same without its first token,

    p_m(w | h) = (max(c(h w) - D_m, 0) + D_m T(h) p_{m-1}(w | h')) / c(h),      p_0 = 1 / V

with c the counts at the highest order and below it the number of distinct tokens seen before the
n-gram, c(h) their sum over w, T(h) the number of distinct w after h, and D_m = n1 / (n1 + 2 n2)
from the n-grams counted once and twice. An unseen context passes p_{m-1} on unchanged. (Ney,
Essen & Kneser 1994; Chen & Goodman 1999, section 2.7.) Every p_m sums to one over w.

An n-gram is one integer, its tokens being digits in base V, so a table is a sorted array: dropping
the last token is ``key // V``, dropping all but the last m is ``key % V**m``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """Counts of one order, all arrays sorted by key."""

    keys: Ints
    counts: Ints
    contexts: Ints
    totals: Ints
    """c(h) of each context."""
    types: Ints
    """T(h) of each context."""
    discount: float


def make_table(keys: Ints, counts: Ints, vocabulary: int) -> Table:
    """Group sorted n-gram keys by their context and choose the discount."""
    contexts, first = np.unique(keys // vocabulary, return_index=True)
    types = np.diff(np.append(first, len(keys)))
    once, twice = int(np.sum(counts == 1)), int(np.sum(counts == 2))
    # A table with no singletons (a toy, or common words only) still has to leave some mass over.
    discount = min(max(once / (once + 2 * twice), 0.1), 0.95) if once else 0.1
    return Table(keys, counts, contexts, np.add.reduceat(counts, first), types, discount)


def find(sorted_keys: Ints, wanted: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """Positions of ``wanted`` in a sorted array, and which of them are there at all."""
    places = np.minimum(np.searchsorted(sorted_keys, wanted), len(sorted_keys) - 1)
    return places.astype(np.int64), sorted_keys[places] == wanted


class NGram:
    """A Kneser-Ney model of ``order`` tokens (order 1: smoothed unigram frequencies)."""

    def __init__(self, order: int, vocabulary: int, end: int) -> None:
        if vocabulary**order >= 2**63:
            raise ValueError(f"{order}-grams of {vocabulary} tokens do not fit in 63 bits")
        self.order, self.vocabulary, self.end = order, vocabulary, end
        self.tables: list[Table] = []

    def grams(self, document: Sequence[int]) -> Ints:
        """Keys of the n-grams that predict each token of a document and its end-of-text token."""
        padded = np.asarray([self.end] * (self.order - 1) + [*document, self.end], dtype=np.int64)
        keys = np.zeros(len(document) + 1, dtype=np.int64)
        for offset in range(self.order):
            keys = keys * self.vocabulary + padded[offset : offset + len(keys)]
        return keys

    def fit(self, documents: Sequence[Sequence[int]]) -> NGram:
        """Count the documents; returns self."""
        keys, counts = np.unique(np.concatenate([self.grams(document) for document in documents]), return_counts=True)
        tables = [make_table(keys, counts, self.vocabulary)]
        for size in range(self.order - 1, 0, -1):
            keys, counts = np.unique(keys % self.vocabulary**size, return_counts=True)
            tables.append(make_table(keys, counts, self.vocabulary))
        self.tables = tables[::-1]
        return self

    def probabilities(self, keys: Ints) -> Floats:
        """p(last token | the tokens before it) of n-gram keys."""
        p = np.full(len(keys), 1.0 / self.vocabulary)
        for size, table in enumerate(self.tables, start=1):
            gram = keys % self.vocabulary**size
            place, seen = find(table.keys, gram)
            count = np.where(seen, table.counts[place], 0)
            place, known = find(table.contexts, gram // self.vocabulary)
            kept = np.maximum(count - table.discount, 0.0)
            spread = table.discount * table.types[place]
            p = np.where(known, (kept + spread * p) / table.totals[place], p)
        return p

    def nats(self, document: Sequence[int]) -> float:
        """Negative log-likelihood of a document and its end-of-text token."""
        return float(-np.log(self.probabilities(self.grams(document))).sum())
