"""Functions that answer many particles in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Batched(Generic[T]):
    """``fn(list of argument tuples) -> list of results``, as an argument for `call`.

    tokens: how many language-model tokens one evaluation costs, from its arguments (the ledger charges them).
    reward: whether evaluations are charged as reward calls.
    """

    __slots__ = ("__name__", "fn", "reward", "tokens")

    def __init__(
        self,
        fn: Callable[[list[tuple[Any, ...]]], Sequence[T]],
        *,
        tokens: Callable[..., int] | None = None,
        reward: bool = False,
    ) -> None:
        self.fn, self.tokens, self.reward = fn, tokens, reward
        self.__name__ = getattr(fn, "__name__", "batched")

    def __call__(self, *args: Any) -> T:
        """One evaluation outside a program."""
        return self.fn([args])[0]


def batched(fn: Callable[..., Sequence[T]]) -> Batched[T]:
    """Mark a function of parallel lists as one that answers a whole round: ``@batched def f(xs, ys): return [...]``.

    ``await call(f, x, y)`` then evaluates f once a round, on the lists of all particles' x and y.
    """

    def over_tuples(items: list[tuple[Any, ...]]) -> Sequence[T]:
        return fn(*(list(column) for column in zip(*items, strict=True)))

    over_tuples.__name__ = getattr(fn, "__name__", "batched")
    return Batched(over_tuples)
