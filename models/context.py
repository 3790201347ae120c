"""`Context`: a persistent prefix of tokens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import check_token

if TYPE_CHECKING:
    from .language_model import LanguageModel


class Context:
    """An immutable token prefix of one language model; `+` makes longer ones.

    ``ctx + "text"`` encodes the text as it stands and appends its tokens; ``ctx + text_value`` appends the tokens
    that were drawn (so a continuation stays in the model's own tokenisation, and its cache); ``ctx + token`` or
    ``ctx + [tokens]`` appends tokens, and raises BadToken for one outside the vocabulary. Equal tokens of one model
    make equal contexts.
    """

    __slots__ = ("lm", "tokens")

    def __init__(self, lm: LanguageModel, tokens: tuple[int, ...]) -> None:
        self.lm, self.tokens = lm, tokens

    def __add__(self, more: str | int | Iterable[int]) -> Context:
        if isinstance(more, str):
            return Context(self.lm, self.tokens + self.lm.tokens_of(more))
        if isinstance(more, (int, np.integer)):
            check_token(more, self.lm.vocab_size)
            return Context(self.lm, (*self.tokens, int(more)))
        tokens = tuple(int(t) for t in more)
        for token in tokens:
            check_token(token, self.lm.vocab_size)
        return Context(self.lm, self.tokens + tokens)

    def __len__(self) -> int:
        return len(self.tokens)

    def __str__(self) -> str:
        return self.lm.tokenizer.decode(t for t in self.tokens if t not in self.lm.special_tokens)

    def __repr__(self) -> str:
        return f"Context({str(self)!r})"

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Context) and self.tokens == other.tokens and self.lm is other.lm

    def __hash__(self) -> int:
        return hash(self.tokens)

    def to_json(self) -> dict[str, Any]:
        return {"$": "context", "text": str(self), "tokens": list(self.tokens)}
