"""Padded batches: every row once, as it is; shapes that depend on the batch alone, and few of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from steersman.models.rewards.padded import fitting, padded

SIZES = (1, 4, 32)


def shape(longest: int) -> tuple[int, tuple[int, ...]]:
    size = 16
    while size < longest:
        size *= 2
    return size, SIZES if size < 128 else (1, 4)


@given(st.lists(st.integers(0, 200), max_size=150))
def test_every_row_once(lengths: list[int]) -> None:
    """Law: the arrays hold all rows, with zeros behind, and lengths; no more than half of a larger array is padding
    rows."""
    rows = [tuple(range(1, n + 1)) for n in lengths]
    seen: list[int] = []
    for some, tokens, sizes in padded(rows, shape):
        B, T = tokens.shape
        assert B in SIZES and len(some) <= B and (B == 1 or 2 * len(some) > B) and len(sizes) == B
        for b, i in enumerate(some):
            assert sizes[b] == len(rows[i]) <= T and tuple(tokens[b, : sizes[b]]) == rows[i]
            assert not tokens[b, sizes[b] :].any()
        assert not tokens[len(some) :].any() and not sizes[len(some) :].any()
        seen += some
    assert sorted(seen) == list(range(len(rows)))


def test_fitting() -> None:
    """Law: n rows take the least size that they fill by more than half, or else the largest that they fill."""
    found = {n: fitting(n, SIZES) for n in (1, 2, 3, 4, 5, 16, 17, 32, 33, 500)}
    assert found == {1: 1, 2: 1, 3: 4, 4: 4, 5: 4, 16: 4, 17: 32, 32: 32, 33: 32, 500: 32}
    assert fitting(3, (8, 128)) == 8 and fitting(70, (8, 128)) == 128 and fitting(64, (8, 128)) == 8
    assert np.all([fitting(n, (5,)) == 5 for n in range(1, 20)])
