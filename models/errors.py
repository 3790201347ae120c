"""What can go wrong with a language model, each error naming the culprit and the fix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class ModelError(ValueError):
    """A checkpoint that cannot be read, or a model asked for something it cannot do."""


class ContextTooLong(ModelError):
    """A prefix (with its continuation) has more tokens than the model has positions."""

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(
            f"a context of {tokens} tokens does not fit this model, which has {limit} positions "
            "(max_position_embeddings; with longrope, the original ones); shorten the prompt or lower max_tokens"
        )
        self.tokens, self.limit = tokens, limit


class OutOfMemory(ModelError):
    """Not even the smallest batch of such contexts fits beside the weights. Sizes in bytes, on each device."""

    def __init__(self, tokens: int, need: int, limit: int, weights: int, longest: int) -> None:
        fits = f"contexts of up to {longest} tokens would fit" if longest else "no context would fit"
        super().__init__(
            f"out of memory: contexts of {tokens} tokens need {_mega(need)}, {_mega(weights)} of it weights, and "
            f"{_mega(limit)} may be used; {fits}. Load with memory={need} or more where there is more, with "
            "dtype='bfloat16', or on a mesh with a 'weights' axis, or shorten the texts"
        )
        self.tokens, self.need, self.limit, self.longest = tokens, need, limit, longest


def _mega(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def first_line(error: Exception) -> str:
    """The kind of an error and the first line of its message, for a message that has one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]:.120}" if lines else type(error).__name__


class BadToken(ModelError):
    """A token id outside the vocabulary."""

    def __init__(self, token: int, size: int) -> None:
        super().__init__(f"token ids must lie in 0..{size - 1}, found {token}")


def check_token(token: int | np.integer[Any], size: int) -> None:
    """Raise BadToken unless `token` is an id of a vocabulary of `size`."""
    if not 0 <= token < size:
        raise BadToken(int(token), size)


class NonFiniteLogits(ModelError):
    """The forward pass produced NaN or infinity: nothing drawn from these logits would mean anything."""

    def __init__(self, lengths: Sequence[int]) -> None:
        shown = ", ".join(map(str, lengths[:8])) + (", ..." if len(lengths) > 8 else "")
        super().__init__(
            f"non-finite logits after prefixes of {shown} tokens ({len(lengths)} rows); "
            "check the checkpoint for NaN weights, or load it with dtype='float32'"
        )
        self.lengths = tuple(lengths)


class EmptyMask(ModelError):
    """A mask allows no token, so there is no distribution to draw from."""

    def __init__(self, row: int) -> None:
        super().__init__(
            f"the mask of row {row} allows no token; close this particle instead of drawing (its mass is 0)"
        )
        self.row = row
