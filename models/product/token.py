"""`ProductToken`: a product of powers of next-token distributions, and `LocalToken`, which draws from it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steersman.ppl.constraints.masks import Packed, has, tokens_of
from steersman.ppl.keys import Keys
from steersman.ppl.protocols import Floats

from ..algebra import Algebraic, Raised, log_product, trainable_in
from ..allowed import Allowed, narrowed
from ..context import Contexts, unread
from ..tokens import TokenDistribution, drawable
from .vectors import by_model, columns, exponents, inverse_cdf, log_densities, log_normalisers

if TYPE_CHECKING:
    from steersman.ppl.trainable import Trainable

    from ..language_model import LanguageModel

_TEMPERATURES = 1e-6, 1e6  # beyond these single precision could not tell tokens apart


class ProductToken(Algebraic["ProductToken"]):
    """The measure  f(x) = prod_j p_j(x)^a_j  over next tokens x, which need not sum to one.

    factors: (p_j, a_j). Drawn through `proposal`, its normalised form q = f / C, so that the weight gains log C. Where
    a factor of negative exponent is 0 and no other factor is, f is infinite, and drawing or scoring raises
    InvalidWeight.
    """

    __slots__ = ("factors",)
    factors: tuple[Raised, ...]
    product = staticmethod(TokenDistribution.product)

    def __init__(self, factors: tuple[Raised, ...]) -> None:
        self.factors = factors

    @property
    def models(self) -> tuple[LanguageModel, ...]:
        """The model of every factor."""
        return tuple([p.lm for p, _ in self.factors])

    @property
    def family(self) -> Hashable:
        return self.models

    @property
    def trainable(self) -> Trainable | None:
        return trainable_in(self.models)

    @property
    def pieces(self) -> Sequence[bytes]:
        """What each token of their common vocabulary stands for."""
        return self.models[0].tokenizer.token_bytes

    @property
    def context(self) -> Contexts:
        return Contexts(tuple([p.context for p, _ in self.factors]))

    @property
    def proposal(self) -> TokenDistribution | LocalToken:
        """q = f / C. That of a single p^a is p at temperature 1 / a, which the model draws itself."""
        p, a = self.factors[0]
        if len(self.factors) == 1 and a > 0 and _TEMPERATURES[0] <= p.temperature / a <= _TEMPERATURES[1]:
            return p.tempered(1 / a)  # type: ignore[no-any-return]
        return LocalToken(self)

    def tokens(self, value: Any | None, given: Any | None = None) -> int:
        """One for every context of its factors that `given` has not just evaluated."""
        return unread(self.context, given)

    def support(self) -> tuple[int, ...]:
        return tuple(range(self.models[0].vocab_size))

    @staticmethod
    def log_prob(members: Sequence[ProductToken], values: Sequence[Any]) -> Floats:
        """log f of each value, [n]: one call for each model."""
        factors = columns(members)
        log_p = np.empty((len(factors), len(members)))
        for _, mine in by_model(members[0]):
            scores = TokenDistribution.log_prob([p for j in mine for p in factors[j]], [*values] * len(mine))
            log_p[mine] = scores.reshape(len(mine), -1)
        size = members[0].models[0].vocab_size
        tokens = [isinstance(v, (int, np.integer)) and bool(0 <= v < size) for v in values]
        return np.where(tokens, log_product(log_p, exponents(members)), -np.inf)

    def __repr__(self) -> str:
        return " * ".join(f"{p!r}" if a == 1 else f"{p!r} ** {a:g}" for p, a in self.factors)


class LocalToken:
    """q(x) = f(x) / C,  C = sum of f over the mask (packed; None allows every token),  for a product f: its proposal.

    Drawn from one uniform by inverse CDF on the whole vectors of log-probabilities, which come from one call for each
    model. Where f is 0 on the whole mask nothing can be drawn, and the particle dies.
    """

    __slots__ = ("mask", "target")

    def __init__(self, target: ProductToken, mask: Packed | None = None) -> None:
        self.target, self.mask = target, mask

    @property
    def models(self) -> tuple[LanguageModel, ...]:
        return self.target.models

    @property
    def family(self) -> Hashable:
        return self.target.family

    @property
    def trainable(self) -> Trainable | None:
        return trainable_in(self.models)

    @property
    def context(self) -> Contexts:
        return self.target.context

    def tokens(self, value: Any | None, given: Any | None = None) -> int:
        return self.target.tokens(value, given)

    def support(self) -> tuple[int, ...]:
        return self.target.support() if self.mask is None else tuple(tokens_of(self.mask))

    def masked(self, allowed: Allowed) -> LocalToken:
        """f over the allowed tokens only (see `TokenDistribution.masked`), renormalised."""
        mask = narrowed(self.mask, allowed, self.models[0].vocab_size, self.context)
        return LocalToken(self.target, mask)

    @staticmethod
    def draw(members: Sequence[LocalToken], keys: Keys) -> tuple[list[int | None], Floats]:
        u = keys.uniform()
        tokens, log_q = np.empty(len(members), np.int64), np.empty(len(members))
        for some, log_f in log_densities(members):
            tokens[some], log_q[some] = inverse_cdf(log_f, u[some])
        return drawable(tokens.tolist(), log_q), log_q

    @staticmethod
    def log_prob(members: Sequence[LocalToken], values: Sequence[Any]) -> Floats:
        distinct = {id(m): m for m in members}  # enumeration asks one member about every token
        log_c = dict(zip(distinct, log_normalisers(list(distinct.values())).tolist(), strict=True))
        log_f = ProductToken.log_prob([m.target for m in members], values)
        log_f[[not _allowed(m.mask, v) for m, v in zip(members, values, strict=True)]] = -np.inf
        with np.errstate(invalid="ignore"):  # where f is infinite
            return np.where(log_f > -np.inf, log_f - [log_c[id(m)] for m in members], -np.inf)

    def __repr__(self) -> str:
        extra = "" if self.mask is None else f", {len(self.support())} tokens allowed"
        return f"LocalToken({self.target!r}{extra})"


def _allowed(mask: Packed | None, token: Any) -> bool:
    """Whether a mask allows what may be no token at all."""
    if mask is None:
        return True
    return isinstance(token, (int, np.integer)) and 0 <= int(token) < 32 * len(mask) and has(mask, token)
