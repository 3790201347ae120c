"""Proposals that favour a phrase: the model's own tokens, with one logit raised."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steersman.ppl.keys import Keys
from steersman.ppl.protocols import Floats

from .allowed import Allowed
from .context import Context
from .tokens import TokenDistribution, drawable, modifiers

if TYPE_CHECKING:
    from steersman.ppl.trainable import Trainable

    from .language_model import LanguageModel
    from .text import TextDistribution
    from .where import Progress


class FavouredToken:
    """q(x) = p(x) exp(boost [x = w]) / C,  C = 1 + p(w) (exp(boost) - 1), for a favourite token w; boost in nats.

    As a proposal for p the weight p/q lies between exp(-boost) and C, whatever p(w) is: the favourite enters mostly
    where the model itself finds it natural. Drawn as the mixture (1 - rho) p + rho [x = w] with rho = 1 - 1/C, from
    one uniform u: the favourite if u < rho, else p at (u - rho) / (1 - rho).
    """

    __slots__ = ("base", "boost", "favourite", "lm")

    def __init__(self, base: TokenDistribution, favourite: int, boost: float) -> None:
        self.lm: LanguageModel = base.lm
        self.base, self.favourite, self.boost = base, favourite, boost

    @property
    def family(self) -> Hashable:
        return self.lm

    @property
    def trainable(self) -> Trainable | None:
        return self.lm.trainable

    @property
    def context(self) -> Context:
        return self.base.context

    def tokens(self, value: Any | None, given: Any | None = None) -> int:
        return self.base.tokens(value, given)

    def masked(self, allowed: Allowed) -> FavouredToken:
        """The same over the allowed tokens only; where the favourite is none of them, it is the base masked."""
        return FavouredToken(self.base.masked(allowed), self.favourite, self.boost)

    def support(self) -> tuple[int, ...]:
        return self.base.support()

    @staticmethod
    def draw(members: Sequence[FavouredToken], keys: Keys) -> tuple[list[int | None], Floats]:
        bases, favourites = [m.base for m in members], [m.favourite for m in members]
        log_p_favourite = TokenDistribution.log_prob(bases, favourites)
        log_c = _log_c(members, log_p_favourite)
        u, rho = keys.uniform(), -np.expm1(-log_c)
        chosen = u < rho
        rest = np.where(chosen, 0.5, (u - rho) / (1 - rho))
        prefixes = [b.context.tokens for b in bases]
        drawn, log_p = members[0].lm.draw_next(prefixes, np.clip(rest, 1e-12, 1 - 1e-12), *modifiers(bases))
        tokens = np.where(chosen, favourites, drawn).tolist()
        log_q = _raised(members, tokens, np.where(chosen, log_p_favourite, log_p)) - log_c
        return drawable(tokens, log_q), log_q

    @staticmethod
    def log_prob(members: Sequence[FavouredToken], values: Sequence[Any]) -> Floats:
        bases = [m.base for m in members]
        log_c = _log_c(members, TokenDistribution.log_prob(bases, [m.favourite for m in members]))
        return _raised(members, values, TokenDistribution.log_prob(bases, values)) - log_c

    def __repr__(self) -> str:
        return f"FavouredToken({self.base!r}, token {self.favourite}, boost={self.boost:g})"


def _log_c(members: Sequence[FavouredToken], log_p_favourite: Floats) -> Floats:
    """log C of each member, [n]."""
    return np.asarray(np.log1p(np.exp(log_p_favourite) * np.expm1([m.boost for m in members])), np.float64)


def _raised(members: Sequence[FavouredToken], values: Sequence[Any], log_p: Floats) -> Floats:
    """log p(x) + boost [x = w] of each member, [n]."""
    boosts = [m.boost if m.favourite == v else 0.0 for m, v in zip(members, values, strict=True)]
    return np.asarray(log_p + np.array(boosts), np.float64)


def next_of_phrase(lm: LanguageModel, so_far: bytes, phrase: str) -> int | None:
    """The token that begins the phrase, or continues it where the text already ends in a part of it; None once the
    text holds the phrase."""
    data = phrase.encode()
    if data in so_far:
        return None
    done = next(n for n in range(min(len(data) - 1, len(so_far)), -1, -1) if so_far.endswith(data[:n]))
    rest = data[done:].decode(errors="ignore")
    return lm.tokenizer.encode(rest)[0] if rest else None


_NO_TARGET = "favouring makes a proposal, not a target: sample(text, proposal=text.favouring(...))"


class FavouredText:
    """The tokens of a text drawn so that a phrase tends to appear; only a proposal, `text.favouring(phrase)`."""

    __slots__ = ("boost", "context", "lm", "phrase", "text")
    one_pass = False

    def __init__(self, text: TextDistribution, phrase: str, boost: float) -> None:
        if not phrase:
            raise ValueError("favouring: the phrase must not be empty")
        if not 0 < boost < 50:
            raise ValueError(f"favouring: boost is a positive number of nats (below 50), got {boost}")
        self.text, self.phrase, self.boost = text, phrase, boost
        self.lm, self.context = text.lm, text.context

    @property
    def family(self) -> Hashable:
        return self.lm

    @property
    def trainable(self) -> Trainable | None:
        return self.lm.trainable

    @property
    def ends(self) -> None:
        """It obeys no constraint of its own."""

    def next_token(
        self, context: Context, so_far: bytes, where: Progress | None = None
    ) -> TokenDistribution | FavouredToken:
        base = self.text.next_token(context, so_far)
        favourite = next_of_phrase(self.lm, so_far, self.phrase)
        return base if favourite is None else FavouredToken(base, favourite, self.boost)

    def tokens(self, value: Any | None, given: Any | None = None) -> int:
        """Tokens that scoring `value` costs, as of the text itself: the favourite is read off the same forward pass."""
        return self.text.tokens(value, given)

    def begin(self, proposal: Any | None) -> Any:
        raise TypeError(_NO_TARGET)

    @staticmethod
    def log_prob(members: Sequence[FavouredText], values: Sequence[Any]) -> Floats:
        raise TypeError(_NO_TARGET)

    def __repr__(self) -> str:
        return f"{self.text!r}.favouring({self.phrase!r}, boost={self.boost:g})"
