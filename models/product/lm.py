"""`ProductLM`: a product of powers of language models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from steersman.ppl.constraints.protocol import Constraint

from ..algebra import Algebraic, Raised
from ..context import Context, Contexts
from ..language_model import LanguageModel
from .text import ProductText
from .token import ProductToken

if TYPE_CHECKING:
    from ..tokenizer import Tokenizer
    from ..where import ChosenText, ConditionedText


class ProductLM(Algebraic["ProductLM"]):
    """``lm ** a``, ``lm1 * lm2``, ``lm1 / lm2``: every factor reads the same prompt and the same text.

    `next` and `text` give products, measures that need not sum to one; for other prompts multiply texts instead:
    ``lm.text(p, ...) * lm.text(q, ...)``. eos: the end-of-text tokens, those of the first factor.
    """

    __slots__ = ("eos", "factors", "models", "tokenizer", "vocab_size")
    factors: tuple[Raised, ...]
    product = staticmethod(LanguageModel.product)

    def __init__(self, factors: tuple[Raised, ...]) -> None:
        self.factors = factors
        self.models: tuple[LanguageModel, ...] = tuple([lm for lm, _ in factors])
        lead = self.models[0]
        self.tokenizer: Tokenizer = lead.tokenizer
        self.vocab_size, self.eos = lead.vocab_size, lead.eos

    def context(self, text: str = "") -> Contexts:
        """The context of every factor that holds `text`; `+` adds to all of them."""
        return Contexts(tuple([lm.context(text) for lm in self.models]))

    def as_context(self, prompt: str | Context | Contexts) -> Contexts:
        if isinstance(prompt, str):
            return self.context(prompt)
        each = prompt.each
        if tuple([c.lm for c in each]) != self.models:
            raise ValueError(f"{prompt!r} is no context of {self!r}: rebuild it with product.context(str(ctx))")
        return Contexts(each)

    def next(self, context: str | Context | Contexts) -> ProductToken:
        """The product of the next-token distributions."""
        each = zip(self.factors, self.as_context(context).each, strict=True)
        return ProductToken(tuple([(lm.next(c), a) for (lm, a), c in each]))

    def text(
        self, prompt: str | Context | Contexts, *, stop: str | Sequence[str] | None = None, max_tokens: int,
        where: Constraint | None = None,
    ) -> ProductText | ConditionedText | ChosenText:
        """The product of the texts that continue the prompt; they end as `LanguageModel.text` says. where: conditions
        the product."""
        each = zip(self.factors, self.as_context(prompt).each, strict=True)
        text = ProductText(tuple([(lm.text(c, stop=stop, max_tokens=max_tokens), a) for (lm, a), c in each]))
        return text if where is None else text.where(where)

    def word(
        self, prompt: str | Context | Contexts, *, max_tokens: int = 8, where: Constraint | None = None,
    ) -> ProductText | ConditionedText | ChosenText:
        """The product of the distributions of the next word; see `LanguageModel.word`."""
        each = zip(self.factors, self.as_context(prompt).each, strict=True)
        text = ProductText(tuple([(lm.word(c, max_tokens=max_tokens), a) for (lm, a), c in each]))
        return text if where is None else text.where(where)

    def __repr__(self) -> str:
        return " * ".join(f"{lm!r}" if a == 1 else f"{lm!r} ** {a:g}" for lm, a in self.factors)
