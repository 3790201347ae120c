"""Rows padded to a power of two, so that groups of any size share a few compiled functions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_SMALLEST = 8


def padded_size(n: int) -> int:
    """How many rows n are padded to: a power of two, at least 8."""
    return max(_SMALLEST, 1 << (n - 1).bit_length())


def pad(column: NDArray[Any], size: int) -> NDArray[Any]:
    """The rows of an array, and the first one again up to `size`."""
    n = len(column)
    return column if n == size else np.concatenate([column, np.broadcast_to(column[:1], (size - n, *column.shape[1:]))])


def picked(n: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The rows 0 ... n - 1 and then 0 up to the padded size, and whether each counts (1 or 0)."""
    size = padded_size(n)
    return np.concatenate([np.arange(n), np.zeros(size - n, np.int64)]), (np.arange(size) < n).astype(np.float32)
