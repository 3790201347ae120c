"""`TokenDistribution`: the next token of a context, as a lazy distribution."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steersman.ppl.constraints.masks import Packed, pack, tokens_of
from steersman.ppl.keys import Keys
from steersman.ppl.protocols import Floats

from .algebra import Algebraic, Raised
from .allowed import Allowed, narrowed
from .context import Context, unread

if TYPE_CHECKING:
    from steersman.ppl.trainable import Trainable

    from .language_model import LanguageModel
    from .product import ProductToken


class TokenDistribution(Algebraic["ProductToken"]):
    """p(token given context) proportional to softmax(logits / temperature) on the allowed tokens.

    Values are token ids (int). `masked` and `tempered` give new normalised distributions, `*`, `/` and `**` products
    that are not normalised. All members that share a model are drawn and scored by one call.
    mask: packed, [ceil(V / 32)]; None allows every token.
    """

    __slots__ = ("context", "lm", "mask", "temperature")
    discrete = True

    def __init__(self, context: Context, temperature: float = 1.0, mask: Packed | None = None) -> None:
        self.lm: LanguageModel = context.lm
        self.context, self.temperature, self.mask = context, temperature, mask

    @property
    def family(self) -> Hashable:
        return self.lm

    @property
    def trainable(self) -> Trainable | None:
        return self.lm.trainable

    @property
    def pieces(self) -> Sequence[bytes]:
        """What each token of the vocabulary stands for."""
        return self.lm.tokenizer.token_bytes

    @property
    def identity(self) -> Hashable:
        return self.context, self.temperature, None if self.mask is None else self.mask.tobytes()

    @staticmethod
    def product(factors: tuple[Raised, ...]) -> ProductToken:
        from .product import ProductToken

        return ProductToken(factors)

    def masked(self, allowed: Allowed) -> TokenDistribution:
        """Only the allowed tokens (a packed mask, a boolean array [vocabulary], or token ids), renormalised.

        As a proposal for the plain distribution the weight gains the log of the allowed mass; where that is 0 the
        particle dies. Raises ValueError when nothing is allowed or a token is not in the vocabulary.
        """
        mask = narrowed(self.mask, allowed, self.lm.vocab_size, self.context)
        return TokenDistribution(self.context, self.temperature, mask)

    def tempered(self, temperature: float) -> TokenDistribution:
        """p^(1/temperature), renormalised; temperature positive and finite."""
        return TokenDistribution(self.context, self.temperature * checked_temperature(temperature), self.mask)

    def support(self) -> tuple[int, ...]:
        if self.mask is None:
            return tuple(range(self.lm.vocab_size))
        return tuple(tokens_of(self.mask))

    def log_probs(self) -> Floats:
        """log p of every token, shape [vocabulary], in nats. This moves the whole vector to the host."""
        temperatures, masks = modifiers([self])
        log_probs: Floats = self.lm.next_log_probs([self.context.tokens], temperatures, masks)[0]
        return log_probs

    def tokens(self, value: Any | None, given: Any | None = None) -> int:
        """One, or none where `given` has just evaluated the same context (as favoured tokens do, too)."""
        return unread(self.context, given)

    @staticmethod
    def draw(members: Sequence[TokenDistribution], keys: Keys) -> tuple[list[int | None], Floats]:
        """Tokens and log q, [n]; (None, -inf) where every allowed token has probability 0."""
        temperatures, masks = modifiers(members)
        prefixes = [m.context.tokens for m in members]
        tokens, log_q = members[0].lm.draw_next(prefixes, keys.uniform(), temperatures, masks)
        return drawable(tokens.tolist(), log_q), log_q

    @staticmethod
    def log_prob(members: Sequence[TokenDistribution], values: Sequence[Any]) -> Floats:
        temperatures, masks = modifiers(members)
        lm = members[0].lm
        known = [isinstance(v, (int, np.integer)) and bool(0 <= v < lm.vocab_size) for v in values]
        tokens = np.array([int(v) if ok else 0 for v, ok in zip(values, known, strict=True)], np.int64)
        log_p = lm.score_next([m.context.tokens for m in members], tokens, temperatures, masks)
        return np.where(np.array(known, np.bool_), log_p, -np.inf)

    def __repr__(self) -> str:
        extra = f", temperature={self.temperature:g}" if self.temperature != 1.0 else ""
        extra += f", {len(self.support())} tokens allowed" if self.mask is not None else ""
        return f"TokenDistribution({str(self.context)[-40:]!r}{extra})"


def drawable(tokens: Sequence[int], log_q: Floats) -> list[int | None]:
    """None in place of the tokens that cannot be drawn, those of log q = -inf."""
    return [t if lq > -math.inf else None for t, lq in zip(tokens, log_q.tolist(), strict=True)]


def modifiers(members: Sequence[TokenDistribution]) -> tuple[Floats | None, Packed | None]:
    """Temperatures [n] and packed masks [n, ceil(V / 32)], or None where no member has one."""
    temperatures = masks = None
    if any(m.temperature != 1.0 for m in members):
        temperatures = np.array([m.temperature for m in members])
    if any(m.mask is not None for m in members):
        everything = pack(np.ones(members[0].lm.vocab_size, np.bool_))
        masks = np.stack([everything if m.mask is None else m.mask for m in members])
    return temperatures, masks


def checked_temperature(temperature: float) -> float:
    if not 0 < temperature < math.inf:
        raise ValueError(f"temperature must be positive and finite, got {temperature}")
    return temperature
