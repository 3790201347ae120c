"""`tempered`: a program whose likelihood is raised to a power."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Hashable
from typing import Any, TypeVar

from .effects import Condition, Effect, Factor, Invocation, Observe, Twist, Unfold
from .errors import ProgramError
from .program import Program, as_invocation

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


class _Tempering:
    """What is done to every effect of a tempered program. It leaves names and kinds as they are, so addresses, replay
    and messages are those of the program itself."""

    __slots__ = ("beta", "names")

    def __init__(self, beta: float, names: Names) -> None:
        self.beta, self.names = beta, names

    def invocation(self, inner: Invocation[T]) -> Invocation[T]:
        return Invocation(_Start(self, inner.fn), inner.args, inner.kwargs, inner.name)

    def effect(self, effect: Any) -> Any:
        """The effect that takes the place of one that the program asks for."""
        made: Effect[Any]
        if isinstance(effect, Invocation):
            made = self.invocation(effect)
        elif isinstance(effect, Unfold):
            step = getattr(effect.step, "fn", effect.step)
            made = Unfold(_Start(self, step), effect.state, effect.done, effect.name)
        elif not self._weighs(effect):
            return effect
        elif isinstance(effect, Factor):
            made = Factor(_Raised(effect.log_weight, self.beta), effect.name)
        else:
            made = self._observation(effect)
        made.owed_by = 0  # the program has awaited what it stands for
        return made

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


class _Start:
    """Calls an `async def` and tempers the coroutine."""

    __slots__ = ("function", "tempering")

    def __init__(self, tempering: _Tempering, function: Callable[..., Any]) -> None:
        self.tempering, self.function = tempering, function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        coroutine = self.function(*args, **kwargs)
        return _Coroutine(self.tempering, coroutine) if hasattr(coroutine, "cr_await") else coroutine


class _Coroutine:
    """A coroutine whose effects are tempered on their way out; to whoever looks for its line it is the coroutine."""

    __slots__ = ("close", "effect", "inner", "resume")

    def __init__(self, tempering: _Tempering, coroutine: Any) -> None:
        self.inner, self.effect = coroutine, tempering.effect
        self.resume, self.close = coroutine.send, coroutine.close

    def send(self, value: Any) -> Any:
        return self.effect(self.resume(value))

    def __getattr__(self, name: str) -> Any:  # cr_await, cr_code, cr_frame
        return getattr(self.inner, name)
