"""`tempered`: a program whose likelihood is raised to a power."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable
from typing import Any, TypeVar

from .effects import Condition, Effect, Factor, Invocation, Observe, Twist
from .errors import ProgramError
from .program import Program, as_invocation
from .rewriting import Rewriting, excused

T = TypeVar("T")
Names = frozenset[Hashable] | None


def tempered(
    program: Invocation[T] | Program[..., T], beta: float, names: str | Collection[Hashable] | None = None
) -> Invocation[T]:
    """The program with target  prior(x) prod_i L_i(x)^beta  over its factors and observations L_i.

    beta: finite, at least 0; 1 gives the program itself, 0 its prior. names: raise only the factors and observations
    of this name (or these), wherever they are; None raises all, those of sub-programs and unfolds too. What is
    impossible stays impossible, as in the limit of small beta: conditions, and factors and observations of -inf.
    Twists are untouched. Traces record beta log L, so that `trace.log_joint` is the tempered density.

    The result is a program call like any other: for `infer`, or to be awaited as a sub-program under its own name.
    Raises ValueError for another beta, and ProgramError at an observation whose density is an estimate (the power of
    an unbiased estimate is biased).
    """
    if not 0 <= beta < math.inf:
        raise ValueError(f"tempered(beta={beta!r}): expected a finite power of at least 0")
    chosen = None if names is None else frozenset([names] if isinstance(names, str) else names)
    return _Tempering(float(beta), chosen).invocation(as_invocation(program))


def raised(log_weight: float, power: float) -> float:
    """log w^power; what is impossible stays so, even at power 0."""
    return log_weight if power == 1.0 or log_weight == -math.inf else power * log_weight


class _Tempering(Rewriting):
    """Raises the likelihoods that a program asks for."""

    __slots__ = ("beta", "names")

    def __init__(self, beta: float, names: Names) -> None:
        self.beta, self.names = beta, names

    def changed(self, effect: Effect[Any]) -> Effect[Any]:
        if not self._weighs(effect):
            return effect
        if isinstance(effect, Factor):
            return excused(Factor(_Raised(effect.log_weight, self.beta), effect.name))
        assert isinstance(effect, Observe)
        return excused(self._observation(effect))

    def _weighs(self, effect: Any) -> bool:
        """Whether it is one of the likelihoods that are raised."""
        likelihood = isinstance(effect, (Factor, Observe)) and not isinstance(effect, (Condition, Twist))
        return likelihood and (self.names is None or effect.name in self.names)

    def _observation(self, effect: Observe) -> Observe:
        if self.beta != 1.0 and not getattr(effect.dist, "proposes", True):
            raise ProgramError(
                f"observe({effect.name!r}): {effect.dist!r} estimates its density, and the power of an unbiased "
                "estimate is biased: observe an exact posterior (Enumerate), or leave this name out of tempered(names=)"
            )
        made = Observe(effect.dist, effect.value, effect.name)
        made.power = effect.power * self.beta
        return made


class _Raised:
    """A log-weight times beta, read when the factor is weighed: what is no number is reported there, as ever."""

    __slots__ = ("beta", "log_weight")

    def __init__(self, log_weight: Any, beta: float) -> None:
        self.log_weight, self.beta = log_weight, beta

    def __float__(self) -> float:
        return raised(float(self.log_weight), self.beta)

    def __repr__(self) -> str:
        return repr(self.log_weight)
