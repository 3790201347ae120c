"""Proposals that favour a phrase: most tokens from the model, now and then the phrase."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steersman.ppl.keys import Keys
from steersman.ppl.protocols import Floats

from .context import Context
from .tokens import TokenDistribution, modifiers

if TYPE_CHECKING:
    from .language_model import LanguageModel
    from .texts import TextDistribution


class FavouredToken:
    """q(token) = (1 - rho) p(token) + rho [token = favourite].

    A proposal for p: a token that p would hardly draw enters with weight p/q < 1, so SMC keeps it only where the model
    itself finds it natural. Drawn from one uniform u: the favourite if u < rho, else p at (u - rho) / (1 - rho).
    """

    __slots__ = ("base", "favourite", "lm", "rho")

    def __init__(self, base: TokenDistribution, favourite: int, rho: float) -> None:
        self.lm: LanguageModel = base.lm
        self.base, self.favourite, self.rho = base, favourite, rho

    @property
    def family(self) -> Hashable:
        return self.lm

    def tokens(self, value: Any | None, given: Any | None = None) -> int:
        return self.base.tokens(value, given)

    def support(self) -> tuple[int, ...]:
        return tuple(sorted({*self.base.support(), self.favourite}))

    @staticmethod
    def draw(members: Sequence[FavouredToken], keys: Keys) -> tuple[list[int], Floats]:
        lm = members[0].lm
        u, rho = keys.uniform(), np.array([m.rho for m in members])
        favourite = u < rho
        rest = np.where(favourite, 0.5, (u - rho) / (1 - rho))
        bases = [m.base for m in members]
        prefixes = [b.context.tokens for b in bases]
        drawn, _ = lm.draw_next(prefixes, np.clip(rest, 1e-12, 1 - 1e-12), *modifiers(bases))
        tokens = np.where(favourite, [m.favourite for m in members], drawn).tolist()
        return tokens, FavouredToken.log_prob(members, tokens)

    @staticmethod
    def log_prob(members: Sequence[FavouredToken], values: Sequence[Any]) -> Floats:
        log_p = TokenDistribution.log_prob([m.base for m in members], values)
        rho = np.array([m.rho for m in members])
        favourite = np.array([m.favourite == v for m, v in zip(members, values, strict=True)])
        with np.errstate(divide="ignore"):
            return np.logaddexp(np.log1p(-rho) + log_p, np.log(np.where(favourite, rho, 0.0)))

    def __repr__(self) -> str:
        return f"FavouredToken({self.base!r}, {self.favourite}, {self.rho:g})"


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

    __slots__ = ("context", "lm", "phrase", "rho", "text")

    def __init__(self, text: TextDistribution, phrase: str, rho: float) -> None:
        if not phrase:
            raise ValueError("favouring: the phrase must not be empty")
        if not 0 < rho < 1:
            raise ValueError(f"favouring: probability must lie between 0 and 1, got {rho}")
        self.text, self.phrase, self.rho = text, phrase, rho
        self.lm, self.context = text.lm, text.context

    @property
    def family(self) -> Hashable:
        return self.lm

    def next_token(self, context: Context, so_far: bytes) -> TokenDistribution | FavouredToken:
        base = self.text.next_token(context, so_far)
        favourite = next_of_phrase(self.lm, so_far, self.phrase)
        return base if favourite is None else FavouredToken(base, favourite, self.rho)

    def begin(self, proposal: Any | None) -> Any:
        raise TypeError("favouring makes a proposal, not a target: sample(text, proposal=text.favouring(...))")

    @staticmethod
    def log_prob(members: Sequence[FavouredText], values: Sequence[Any]) -> Floats:
        """log q of whole texts, token by token."""
        out = np.full(len(members), -np.inf)
        for i, (m, value) in enumerate(zip(members, values, strict=True)):
            if m.text.possible(value):
                pairs = [(m.next_token(c, data), token) for c, data, token in m.text.steps(value)]
                out[i] = sum(float(type(d).log_prob([d], [token])[0]) for d, token in pairs)  # type: ignore[list-item]
        return out

    def __repr__(self) -> str:
        return f"{self.text!r}.favouring({self.phrase!r}, {self.rho:g})"
