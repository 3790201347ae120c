"""`Reward`: a score of many items in one call, for `call` in a program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steersman.ppl.batched import Batched, Failure, OnError

from .quantile import Quantile

Floats = NDArray[np.float64]


class Reward(Batched[float]):
    """``r = await call(reward, text)``: one number for each item, all particles of a round in one evaluation.

    fn: a list of argument tuples -> a number, or a `Failure`, for each. A number that is NaN or +inf, or no number,
    is a failure too; `on_error` says what becomes of the particle (see `Batched`).
    """

    __slots__ = ()

    def __init__(
        self,
        fn: Callable[[list[tuple[Any, ...]]], Sequence[float | Failure]],
        *,
        tokens: Callable[..., int] | None = None,
        on_error: OnError = "raise",
        name: str | None = None,
    ) -> None:
        super().__init__(fn, tokens=tokens, reward=True, on_error=on_error)
        if name is not None:
            self.__name__ = name

    def scores(self, items: Sequence[Any]) -> Floats:
        """The reward of each item (a text, or a tuple of arguments) outside a program, [n]; NaN where it fails."""
        results = self.evaluate([i if isinstance(i, tuple) else (i,) for i in items])
        return np.array([np.nan if isinstance(r, Failure) else r for r in results], np.float64)

    def map(self, f: Callable[[Floats], ArrayLike], name: str | None = None) -> Reward:
        """The reward f(r). f takes the numbers of a batch, [n] -> [n]: a calibration, a quantile, a transform."""

        def mapped(items: list[tuple[Any, ...]]) -> list[float | Failure]:
            results = self.evaluate(items)
            good = [i for i, r in enumerate(results) if not isinstance(r, Failure)]
            values = np.asarray(f(np.array([results[i] for i in good], np.float64)), np.float64)
            if values.shape != (len(good),):
                raise ValueError(f"map: {f!r:.60} made {len(good)} rewards an array of shape {values.shape}")
            for i, value in zip(good, values.tolist(), strict=True):
                results[i] = value
            return results

        return Reward(mapped, tokens=self.tokens, on_error=self.on_error, name=name or self.__name__)

    def quantile(self, draws: Sequence[Any]) -> Reward:
        """The reward F(r), its quantile among the rewards of `draws`: texts that the reference model wrote for the same
        prompt (see `Quantile`)."""
        values = self.scores(draws)
        if np.isnan(values).any():
            raise ValueError(f"{self.__name__}: {np.isnan(values).sum()} of {len(values)} reference draws have no "
                             "reward; leave them out")
        return self.map(Quantile(values), f"quantile of {self.__name__}")

    def __repr__(self) -> str:
        return f"<Reward {self.__name__!r}>"
