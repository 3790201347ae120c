"""What `masked` takes, as a packed mask."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steersman.ppl.constraints.masks import Packed, pack, pack_tokens, words

from .errors import ModelError, check_token

Mask = NDArray[np.bool_]
"""[vocabulary]"""
Allowed = Packed | Mask | Iterable[int]


def narrowed(mask: Packed | None, allowed: Allowed, size: int, context: object) -> Packed:
    """The tokens of a mask (None: all) that are allowed, too. Raises ValueError, naming the context, for none."""
    packed = packed_mask(allowed, size)
    both = packed if mask is None else mask & packed
    if not both.any():
        raise ValueError(f"masked: no token is allowed after {context!r}")
    return both


def packed_mask(allowed: Allowed, size: int) -> Packed:
    """The packed mask [ceil(V / 32)] of a packed mask, a boolean array [V] or token ids.

    Raises ValueError for an array of another shape, BadToken for a token that is not in the vocabulary.
    """
    given: Any = allowed
    kind = getattr(given, "dtype", None)
    if kind == np.uint32:
        if given.shape != (words(size),):
            raise ValueError(f"masked: expected a packed mask of shape ({words(size)},), got {given.shape}")
        check_tail(given, size)
        return given  # type: ignore[no-any-return]
    if kind == np.bool_:
        if given.shape != (size,):
            raise ValueError(f"masked: expected a mask of shape ({size},), got {given.shape}")
        return pack(given)
    tokens = [int(token) for token in given]
    for token in tokens:
        check_token(token, size)
    return pack_tokens(tokens, size)


def check_tail(packed: Packed, size: int) -> None:
    """Raise ModelError where packed masks [..., ceil(V / 32)] allow tokens behind the vocabulary."""
    if size % 32 and (packed[..., -1] >> np.uint32(size % 32)).any():
        raise ModelError(f"a packed mask allows tokens behind the vocabulary of {size}: those bits must be 0")
