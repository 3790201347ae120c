"""Choosing the shape of a forward pass: computing a little more is cheaper than compiling another program.

A compilation costs about as much as some 1e11 floating-point operations, that is `worth` token positions of a given
model (1.1 s against 7000 positions for 7 M parameters on two CPU cores). A pass therefore runs in the cheapest shape
that was already compiled, until the positions wasted for want of a better one add up to a compilation: then that one is
made. Spending at most twice the optimum without knowing the future is the ski-rental rule (Karlin et al. 1988).
"""

from __future__ import annotations

from collections.abc import Hashable

from .buckets import bucket
from .stats import Stats

COMPILE_FLOPS = 1e11

LEAST_ROWS = 4
LEAST_DEPTH = 64
LEAST_TRUNK = 16
LEAST_CHUNK = 8
MOST_CHUNK = 64  # tokens of one row in one pass
MOST_POSITIONS = 4096  # rows times tokens in one pass


class Shapes:
    """The shapes compiled so far, and what was wasted for want of others."""

    def __init__(self, parameters: int, stats: Stats) -> None:
        self.worth = int(COMPILE_FLOPS / (2 * parameters))
        self.stats = stats
        self._seen: set[Hashable] = set()
        self._passes: dict[Hashable, set[tuple[int, int]]] = {}
        self._wasted: dict[Hashable, int] = {}

    def note(self, *shape: Hashable) -> None:
        """Count a program run for the first time with this shape."""
        if shape not in self._seen:
            self._seen.add(shape)
            self.stats.compiles += 1

    def fit(
        self, place: Hashable, rows: int, chunk: int, least: tuple[int, int] = (LEAST_ROWS, LEAST_CHUNK)
    ) -> tuple[int, int]:
        """(B, C) for a pass of `rows` rows and `chunk` tokens at `place` (one cache shape), both at least `least`
        unless there is one token only."""
        best = bucket(rows, least[0]), 1 if chunk == 1 else bucket(chunk, least[1])
        return self.choose(place, best, rows, chunk)

    def choose(self, place: Hashable, best: tuple[int, int], rows: int, chunk: int) -> tuple[int, int]:
        """`best`, or a shape that was chosen before at this place, holds as much, and is not worth replacing yet."""
        passes = self._passes.setdefault(place, set())
        if best not in passes:
            fitting = [(b * c, (b, c)) for b, c in passes if b >= rows and c >= chunk]
            if fitting:
                cost, shape = min(fitting)
                wasted = self._wasted.get((place, best), 0) + cost - best[0] * best[1]
                if wasted <= self.worth:
                    self._wasted[place, best] = wasted
                    return shape
            passes.add(best)
        return best

    def forget(self) -> None:
        """Start the accounts anew; compiled programs stay."""
        self._wasted.clear()
