"""`Vocabulary`: what constraints need to know of a tokenizer, worked out once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .masks import Packed, pack, words

if TYPE_CHECKING:
    from .pairs import Pairs


class Tokenizer(Protocol):
    """token_bytes[i] is what token i stands for, empty for special tokens.

    A byte-pair tokenizer may have `merges`, too: (left, right, joined) in the order in which they are applied.
    """

    @property
    def token_bytes(self) -> Sequence[bytes]: ...

    def encode(self, text: str) -> tuple[int, ...]: ...


class Vocabulary:
    """The tokens of a tokenizer as bytes. Tokens without bytes (the end of text, padding) are `special`: no constraint
    speaks of them; how a text ends is the business of the text."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.token_bytes: tuple[bytes, ...] = tuple(tokenizer.token_bytes)
        self.size = len(self.token_bytes)
        self.words = words(self.size)
        self.engine: Any = None  # what the grammar engine keeps for this vocabulary

    @staticmethod
    def of(tokenizer: Tokenizer | Vocabulary) -> Vocabulary:
        """The vocabulary of a tokenizer, made once: the last few are remembered."""
        if isinstance(tokenizer, Vocabulary):
            return tokenizer
        key: Any = tokenizer
        return _made(key)

    def encode(self, text: str) -> tuple[int, ...]:
        """The tokens that the tokenizer itself gives a text."""
        return self._tokenizer.encode(text)

    @cached_property
    def ordinary(self) -> Packed:
        """The mask of the tokens that have bytes."""
        return pack(np.array([bool(piece) for piece in self.token_bytes], np.bool_))

    @cached_property
    def spelled(self) -> dict[bytes, int]:
        """A token for each sequence of bytes that is one; the first of several."""
        found: dict[bytes, int] = {}
        for token, piece in enumerate(self.token_bytes):
            if piece:
                found.setdefault(piece, token)
        return found

    @cached_property
    def longest(self) -> int:
        """Bytes of the longest token."""
        return max(map(len, self.token_bytes), default=0)

    @cached_property
    def missing_bytes(self) -> frozenset[int]:
        """The bytes that are no token of their own."""
        return frozenset(b for b in range(256) if bytes([b]) not in self.spelled)

    @cached_property
    def pairs(self) -> Pairs:
        """Which token may follow which in the tokenizer's own spelling."""
        from .pairs import Pairs

        return Pairs(self.encode, self.token_bytes, self.ordinary, getattr(self._tokenizer, "merges", None))


@lru_cache(maxsize=16)
def _made(tokenizer: Tokenizer) -> Vocabulary:
    return Vocabulary(tokenizer)
