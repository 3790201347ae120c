"""`ProductText`: a product of powers of texts, and `LocalText`, which draws from it."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, NoReturn

from ..algebra import Raised
from ..context import Contexts
from ..text.measure import TextMeasure, refuse_other_ends
from ..tokens import TokenDistribution
from .token import LocalToken, ProductToken

if TYPE_CHECKING:
    from ..language_model import LanguageModel
    from ..where import Progress


class ProductText(TextMeasure):
    """The measure  f(text) = prod_j p_j(text)^a_j  over whole texts, which need not sum to one.

    factors: (p_j, a_j), texts over the same tokens with the same ends: other prompts, models or temperatures. It ends
    like them, by the end-of-text tokens of the first. Drawn through `proposal`, which normalises every token: the
    weight gains the log of each normaliser C, so that what is drawn is weighted for the product of whole texts
    (sharpening without lookahead error) and not for the one renormalised token by token, which is another one. Source
    of the difference for powers: Karan & Du 2025, "Reasoning with Sampling".

    Raises ValueError, naming them, for factors whose stop strings or max_tokens differ.
    """

    __slots__ = ("factors",)
    factors: tuple[Raised, ...]
    context: Contexts

    def __init__(self, factors: tuple[Raised, ...]) -> None:
        first = factors[0][0]
        for text, _ in factors:
            refuse_other_ends("a product of texts", first, text)
        self.factors = factors
        self.lm, self.stops, self.max_tokens = first.lm, first.stops, first.max_tokens
        self.context = Contexts(tuple([text.context for text, _ in factors]))

    @property
    def models(self) -> tuple[LanguageModel, ...]:
        """The model of every factor."""
        return tuple([text.lm for text, _ in self.factors])

    @property
    def family(self) -> Hashable:
        return tuple([text.family for text, _ in self.factors])

    @property
    def proposal(self) -> LocalText:
        return LocalText(self)

    def next_token(self, context: Contexts, so_far: bytes, where: Progress | None = None) -> ProductToken:
        each = zip(self.factors, context.each, strict=True)
        return ProductToken(tuple([(text.next_token(c, so_far), a) for (text, a), c in each]))

    def __repr__(self) -> str:
        return " * ".join(f"{text!r}" if a == 1 else f"{text!r} ** {a:g}" for text, a in self.factors)


class LocalText(TextMeasure):
    """q(text) = prod_t f(x_t given x_1..t-1) / C_t: a product text normalised token by token. It is that product's own
    proposal, and a normalised target in its own right (what decoding from a product of experts samples)."""

    __slots__ = ("text",)
    context: Contexts

    def __init__(self, text: ProductText) -> None:
        self.text = text
        self.context, self.lm, self.stops, self.max_tokens = text.context, text.lm, text.stops, text.max_tokens

    @property
    def models(self) -> tuple[LanguageModel, ...]:
        return self.text.models

    @property
    def family(self) -> Hashable:
        return self.text.family

    @staticmethod
    def product(factors: tuple[Raised, ...]) -> NoReturn:
        raise TypeError("a text that is normalised token by token is no factor: multiply the text it comes from")

    def next_token(
        self, context: Contexts, so_far: bytes, where: Progress | None = None
    ) -> TokenDistribution | LocalToken:
        return self.text.next_token(context, so_far).proposal

    def __repr__(self) -> str:
        return f"LocalText({self.text!r})"
