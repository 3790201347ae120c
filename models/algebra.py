"""The algebra of language models, of their texts and of their next-token distributions: `*`, `/` and `**`.

    lm ** 4     lm1 * lm2     lm1 / lm2     lm.text(p, ...) * expert.text(q, ...)     lm.next(c) ** 2 / lm.next(d)

A product has the density  f(x) = prod_j p_j(x)^a_j  of whole values x. It is a measure: nothing is renormalised along
the way, so `lm ** 4` is the fourth power of the probability of the whole text, not a temperature of 1/4 at each token.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from steersman.ppl.protocols import Floats

if TYPE_CHECKING:
    from steersman.ppl.trainable import Trainable

    from .language_model import LanguageModel

P = TypeVar("P")
Raised = tuple[Any, float]  # a factor and its exponent


class Algebraic(Generic[P]):
    """What can be multiplied, divided and raised to a power; the results are of type P."""

    __slots__ = ()

    @property
    def factors(self) -> tuple[Raised, ...]:
        """What it is the product of: (p_j, a_j) for every factor."""
        return ((self, 1.0),)

    @property
    def identity(self) -> Hashable:
        """Equal for factors that are the same density: their exponents add up."""
        return self

    @staticmethod
    @abstractmethod
    def product(factors: tuple[Raised, ...]) -> P:
        """The product of factors of this kind."""

    def __pow__(self, exponent: float) -> P:
        if not isinstance(exponent, (int, float, np.integer, np.floating)):
            return NotImplemented
        raised = [(factor, float(exponent) * a) for factor, a in self.factors]
        if not all(math.isfinite(a) for _, a in raised):
            raise ValueError(f"{self!r} ** {exponent!r}: the exponent must be finite")
        return self.product(_collected(raised))

    def __mul__(self, other: Algebraic[P]) -> P:
        return self._times(other, 1.0)

    def __truediv__(self, other: Algebraic[P]) -> P:
        return self._times(other, -1.0)

    def _times(self, other: Algebraic[P], sign: float) -> P:
        if not isinstance(other, Algebraic) or other.product is not self.product:
            return NotImplemented  # type: ignore[no-any-return]
        factors = [*self.factors, *((factor, sign * b) for factor, b in other.factors)]
        models: list[Any] = [getattr(factor, "lm", factor) for factor, _ in factors]
        lead = models[0]
        for lm in models:
            if not same_tokens(lm, lead):
                raise ValueError(f"a product is over one vocabulary: {lead!r} and {lm!r} have different tokenizers")
        return self.product(_collected(factors))


def power(base: Algebraic[P], alpha: float) -> P:
    """``base ** alpha``: the density of whole texts (or tokens) raised to the power alpha, which must be finite.

    alpha > 1 sharpens without looking only one token ahead; alpha = 0 counts texts; alpha < 0 prefers what the model
    does not expect. Raises ValueError for an alpha that is not finite.
    """
    return base**alpha


def _collected(factors: Sequence[Raised]) -> tuple[Raised, ...]:
    """Equal factors as one. A factor whose exponents cancel is gone, also where its density is 0; if all are, the
    product is 1 everywhere, and the first is kept with exponent 0."""
    sums: dict[Hashable, tuple[Any, float, float]] = {}
    for factor, a in factors:
        first, total, size = sums.get(factor.identity, (factor, 0.0, 0.0))
        sums[factor.identity] = first, total + a, size + abs(a)
    # 0.1 + 0.2 - 0.3 is nothing, not 5e-17
    left = tuple((factor, a) for factor, a, size in sums.values() if abs(a) > 1e-12 * size)
    return left or ((factors[0][0], 0.0),)


def log_product(log_p: Floats, exponents: Floats) -> Floats:
    """sum_j a_j log p_j over the first axis, [K, ...] and [K, ...] -> [...]. 0^0 is 1 and 0 times anything is 0, so
    that 0 / 0 is 0; p / 0 is +inf."""
    with np.errstate(invalid="ignore"):
        terms = np.where(exponents == 0.0, 0.0, exponents * log_p)
        return np.asarray(np.where((terms == -np.inf).any(0), -np.inf, terms.sum(0)), np.float64)


def trainable_in(models: Iterable[LanguageModel]) -> Trainable | None:
    """What a density that these models make depends on: the first of them that is learnt."""
    return next((found for lm in models if (found := lm.trainable) is not None), None)


def same_tokens(a: LanguageModel, b: LanguageModel) -> bool:
    """Whether the tokens of two models stand for the same bytes."""
    return a.tokenizer is b.tokenizer or a.tokenizer.token_bytes == b.tokenizer.token_bytes
