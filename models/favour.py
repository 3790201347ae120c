"""Proposals that favour a phrase: the model's own tokens, with one logit raised."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steersman.ppl.answer import score
from steersman.ppl.keys import Keys
from steersman.ppl.protocols import Floats

from .context import Context
from .tokens import TokenDistribution, modifiers

if TYPE_CHECKING:
    from .language_model import LanguageModel
    from .texts import TextDistribution


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

    def tokens(self, value: Any | None, given: Any | None = None) -> int:
        return self.base.tokens(value, given)

    def support(self) -> tuple[int, ...]:
        return self.base.support()

    @staticmethod
    def draw(members: Sequence[FavouredToken], keys: Keys) -> tuple[list[int], Floats]:
        bases = [m.base for m in members]
        u, rho = keys.uniform(), -np.expm1(-_log_c(members))
        chosen = u < rho
        rest = np.where(chosen, 0.5, (u - rho) / (1 - rho))
        prefixes = [b.context.tokens for b in bases]
        drawn, _ = members[0].lm.draw_next(prefixes, np.clip(rest, 1e-12, 1 - 1e-12), *modifiers(bases))
        tokens = np.where(chosen, [m.favourite for m in members], drawn).tolist()
        return tokens, FavouredToken.log_prob(members, tokens)

    @staticmethod
    def log_prob(members: Sequence[FavouredToken], values: Sequence[Any]) -> Floats:
        raised = [m.boost if m.favourite == v else 0.0 for m, v in zip(members, values, strict=True)]
        log_p = TokenDistribution.log_prob([m.base for m in members], values)
        return np.asarray(log_p + np.array(raised) - _log_c(members), np.float64)

    def __repr__(self) -> str:
        return f"FavouredToken({self.base!r}, token {self.favourite}, boost={self.boost:g})"


def _log_c(members: Sequence[FavouredToken]) -> Floats:
    """log C of each member, [n]."""
    log_p = TokenDistribution.log_prob([m.base for m in members], [m.favourite for m in members])
    return np.asarray(np.log1p(np.exp(log_p) * np.expm1([m.boost for m in members])), np.float64)


def next_of_phrase(lm: LanguageModel, so_far: bytes, phrase: str) -> int | None:
    """The token that begins the phrase, or continues it where the text already ends in a part of it; None once the
    text holds the phrase."""
    data = phrase.encode()
    if data in so_far:
        return None
    done = next(n for n in range(min(len(data) - 1, len(so_far)), -1, -1) if so_far.endswith(data[:n]))
    rest = data[done:].decode(errors="ignore")
    return lm.tokenizer.encode(rest)[0] if rest else None


class FavouredText:
    """The tokens of a text drawn so that a phrase tends to appear; only a proposal, `text.favouring(phrase)`."""

    __slots__ = ("boost", "context", "lm", "phrase", "text")

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

    def next_token(self, context: Context, so_far: bytes) -> TokenDistribution | FavouredToken:
        base = self.text.next_token(context, so_far)
        favourite = next_of_phrase(self.lm, so_far, self.phrase)
        return base if favourite is None else FavouredToken(base, favourite, self.boost)

    def begin(self, proposal: Any | None) -> Any:
        raise TypeError("favouring makes a proposal, not a target: sample(text, proposal=text.favouring(...))")

    @staticmethod
    def log_prob(members: Sequence[FavouredText], values: Sequence[Any]) -> Floats:
        """log q of whole texts, token by token."""
        out = np.full(len(members), -np.inf)
        for i, (m, value) in enumerate(zip(members, values, strict=True)):
            if m.text.possible(value):
                dists = [m.next_token(c, data) for c, data, _ in m.text.steps(value)]
                out[i] = sum(score(dists, [token for _, _, token in m.text.steps(value)]))
        return out

    def __repr__(self) -> str:
        return f"{self.text!r}.favouring({self.phrase!r}, boost={self.boost:g})"
