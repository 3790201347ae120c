"""Functions that answer many particles in one call."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from .blame import is_tracer_error
from .errors import CallFailed, SteersmanError

T = TypeVar("T")
OnError = Literal["raise", "kill"]


@dataclass(frozen=True, slots=True)
class Failure:
    """What stands in place of a result that could not be had for one item: why."""

    error: Exception


class Batched(Generic[T]):
    """``fn(list of argument tuples) -> list of results``, as an argument for `call`.

    tokens: how many language-model tokens one evaluation costs, from its arguments (the ledger charges them).
    reward: evaluations are charged as reward calls, and results are checked one by one.
    on_error: what becomes of a particle that a reward fails for, by an exception or a result that `check` refuses:
    "raise" ends the run with `CallFailed`, which names the particle and its text; "kill" closes that particle alone,
    with weight zero, so that the posterior is that of the executions that could be scored.
    check: what is wrong with a result, None for nothing; by default a reward is one real number, NaN and +inf are none.
    """

    __slots__ = ("__name__", "check", "fn", "on_error", "reward", "tokens")

    def __init__(
        self,
        fn: Callable[[list[tuple[Any, ...]]], Sequence[T | Failure]],
        *,
        tokens: Callable[..., int] | None = None,
        reward: bool = False,
        on_error: OnError = "raise",
        check: Callable[[Any], str | None] | None = None,
    ) -> None:
        if on_error not in ("raise", "kill"):
            raise ValueError(f"on_error={on_error!r}: it is 'raise' or 'kill'")
        if on_error == "kill" and not reward:
            raise ValueError("on_error='kill' closes particles that a reward fails for: it needs reward=True")
        self.fn, self.tokens, self.reward, self.on_error = fn, tokens, reward, on_error
        self.check = check or (not_a_number if reward else None)
        self.__name__ = getattr(fn, "__name__", "batched")

    def __call__(self, *args: Any) -> T:
        """One evaluation outside a program."""
        result = self.evaluate([args])[0]
        if isinstance(result, Failure):
            raise CallFailed(f"{self.__name__}{shown(args)}: {result.error}") from result.error
        return result

    def evaluate(self, items: list[tuple[Any, ...]]) -> list[T | Failure]:
        """The result of each item. Where a reward raises, items are evaluated one by one, to find the culprits."""
        try:
            found: Any = self.fn(items)
            results = list(found.tolist() if self.reward and hasattr(found, "tolist") else found)
        except SteersmanError:
            raise
        except Exception as error:
            if not self.reward or is_tracer_error(error):
                raise
            if len(items) == 1:
                return [Failure(error)]
            return [self.evaluate([item])[0] for item in items]
        if len(results) != len(items):
            raise ValueError(f"{self.__name__} was given {len(items)} inputs and returned {len(results)} results")
        return results if self.check is None else [self._checked(result, self.check) for result in results]

    def _checked(self, result: T | Failure, check: Callable[[Any], str | None]) -> T | Failure:
        if isinstance(result, Failure) or (wrong := check(result)) is None:
            return result
        return Failure(ValueError(f"it returned {wrong}"))


def not_a_number(result: Any) -> str | None:
    """What a reward returned if that is not one real number; -inf is one (the text is impossible), +inf is not."""
    if (shape := getattr(result, "shape", ())) != ():
        return f"an array of shape {shape}; a reward is one number for each item"
    try:
        number = float(result)
    except (TypeError, ValueError) as error:
        return None if is_tracer_error(error) else f"{result!r:.60}, which is no number"
    return None if number < math.inf else f"{number}; a reward must be finite, or -inf"


def shown(args: tuple[Any, ...]) -> str:
    """The arguments of a call, shortened for a message."""
    return f"({', '.join(short(a) for a in args)})"


def short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:40]} ... {text[-15:]}"


def batched(fn: Callable[..., Sequence[T]]) -> Batched[T]:
    """Mark a function of parallel lists as one that answers a whole round: ``@batched def f(xs, ys): return [...]``.

    ``await call(f, x, y)`` then evaluates f once a round, on the lists of all particles' x and y.
    """

    def over_tuples(items: list[tuple[Any, ...]]) -> Sequence[T]:
        return fn(*(list(column) for column in zip(*items, strict=True)))

    over_tuples.__name__ = getattr(fn, "__name__", "batched")
    return Batched(over_tuples)
