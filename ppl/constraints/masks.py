"""Packed masks: one bit for each token, 32 to a word, the lowest bit first (as llguidance writes them)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Packed = NDArray[np.uint32]
"""[..., ceil(V / 32)]; the bits behind the vocabulary are 0."""


def words(size: int) -> int:
    """How many words hold a mask over so many tokens."""
    return (size + 31) // 32


def pack(allowed: NDArray[np.bool_]) -> Packed:
    """[..., V] -> [..., ceil(V / 32)]."""
    allowed = np.asarray(allowed, np.bool_)
    padding = [(0, 0)] * (allowed.ndim - 1) + [(0, -allowed.shape[-1] % 32)]
    packed = np.packbits(np.pad(allowed, padding), axis=-1, bitorder="little")
    return np.ascontiguousarray(packed).view("<u4")


def unpack(packed: Packed, size: int) -> NDArray[np.bool_]:
    """[..., ceil(V / 32)] -> [..., V]."""
    data = np.ascontiguousarray(packed, "<u4").view(np.uint8)
    return np.unpackbits(data, axis=-1, count=size, bitorder="little").view(np.bool_)


def pack_tokens(tokens: Iterable[int], size: int) -> Packed:
    """The mask of these tokens."""
    allowed = np.zeros(size, np.bool_)
    allowed[list(tokens)] = True
    return pack(allowed)


def has(packed: Packed, token: int | np.integer[Any]) -> bool:
    """Whether a mask [ceil(V / 32)] allows a token."""
    return bool(packed[token >> 5] >> np.uint32(token & 31) & np.uint32(1))


def tokens_of(packed: Packed) -> list[int]:
    """The tokens that a mask allows, in order."""
    return np.flatnonzero(unpack(packed, 32 * packed.shape[-1])).tolist()
