"""Our vocabularies as the engine wants them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from ..vocabulary import Vocabulary


class _Wrapped:
    """The attributes that the engine reads from a tokenizer (llguidance.TokenizerWrapper has the same).

    The engine cannot do without an end-of-text token, and puts it into masks. It gets one of its own behind our
    vocabulary, so that models without such a token, or with several, need no special case.
    """

    is_tokenizer_wrapper = True
    bos_token_id = None

    def __init__(self, token_bytes: Sequence[bytes]) -> None:
        self.eos_token_id = len(token_bytes)
        self.tokens = [*token_bytes, b"<end>"]
        self.special_token_ids = [*[i for i, piece in enumerate(token_bytes) if not piece], self.eos_token_id]

    def __call__(self, text: str | bytes) -> list[int]:
        # Asked only for the tokens of forced text, and nothing is forced.
        return []


def engine_tokenizer(vocabulary: Vocabulary) -> Any:
    """An `llguidance.LLTokenizer`."""
    from llguidance import LLTokenizer

    wrapped: Any = _Wrapped(vocabulary.token_bytes)
    return LLTokenizer(wrapped)


class _Bytes:
    token_bytes = tuple(bytes([b]) for b in range(256))

    def encode(self, text: str) -> tuple[int, ...]:
        return tuple(text.encode())


@cache
def single_bytes() -> Vocabulary:
    """The vocabulary of the 256 bytes: token b is byte b."""
    return Vocabulary(_Bytes())
