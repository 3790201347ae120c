"""`Context`: a persistent prefix of tokens; `Contexts`: one for every factor of a product."""

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

    @property
    def each(self) -> tuple[Context, ...]:
        """The contexts whose forward passes are read here."""
        return (self,)

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


class Contexts:
    """The contexts of the factors of a product, which grow together: `+` adds to each what it adds to a `Context`."""

    __slots__ = ("each",)

    def __init__(self, each: tuple[Context, ...]) -> None:
        self.each = each

    def __add__(self, more: str | int | Iterable[int]) -> Contexts:
        if not isinstance(more, (str, int, np.integer)):
            more = tuple(more)
        return Contexts(tuple([context + more for context in self.each]))

    def __len__(self) -> int:
        """The tokens of the longest."""
        return max(map(len, self.each))

    def __str__(self) -> str:
        """What the first one says."""
        return str(self.each[0])

    def __repr__(self) -> str:
        return f"Contexts({', '.join(repr(str(context)) for context in self.each)})"

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Contexts) and self.each == other.each

    def __hash__(self) -> int:
        return hash(self.each)

    def to_json(self) -> dict[str, Any]:
        return self.each[0].to_json()


def unread(context: Context | Contexts, given: Any | None) -> int:
    """How many forward passes these contexts need, each once, beside those of a distribution just evaluated."""
    evaluated = getattr(given, "context", None)
    read, each = () if evaluated is None else evaluated.each, context.each
    return len(set(each).difference(read)) if len(each) > 1 else int(each[0] not in read)
