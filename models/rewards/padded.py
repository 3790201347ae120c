"""Rows of tokens of many lengths as a few padded arrays, of few shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Row = tuple[int, ...]
Shape = Callable[[int], tuple[int, tuple[int, ...]]]
"""The longest row -> T, and the values that B may have with it, increasing."""


def padded(rows: Sequence[Row], shape: Shape) -> Iterator[tuple[list[int], Ints, Ints]]:
    """(which rows, tokens [B, T] with zeros behind each row, lengths [B]) until all rows are out, each once.

    Rows of similar length go together. B and T depend on nothing but the rows, so that the same batch never meets a new
    shape. Rows beyond those of the batch have length 0.
    """
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]), reverse=True)
    while order:
        T, sizes = shape(max(1, len(rows[order[0]])))
        B = fitting(len(order), sizes)
        some, order = order[:B], order[B:]
        tokens, lengths = np.zeros((B, T), np.int32), np.zeros(B, np.int32)
        for b, i in enumerate(some):
            tokens[b, : len(rows[i])] = rows[i]
            lengths[b] = len(rows[i])
        yield some, tokens, lengths


def fitting(n: int, sizes: tuple[int, ...]) -> int:
    """The size for the next of n rows: the least that holds them if they fill more than half of it (or there is no
    smaller one), else the largest that they fill."""
    least = next((s for s in sizes if s >= n), None)
    if least is not None and (2 * n > least or least == sizes[0]):
        return least
    return max(s for s in sizes if s <= n)
