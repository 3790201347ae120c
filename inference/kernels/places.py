"""Where in an execution a move may set to work, and with which probability it does."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from steersman.ppl.protocols import Floats
from steersman.ppl.trace import Trace

from ..chain import Chain
from .choices import Choice, Names, matches

At = Callable[[Trace], ArrayLike]
"""Weights for the places of a trace, at least 0 and not all 0: one for each atom (for each choice, in `site`) that the
names of the move mean, in order."""


class Places:
    """The places of one execution, (number of the choice, atom inside it), and the probability of each.

    Both directions of a move ask it: how likely is this place now, how likely is it afterwards?
    """

    __slots__ = ("_index", "_p", "places")

    def __init__(
        self, choices: Sequence[Choice], names: Names, offers: Callable[[Choice], int], *, spans: str = "atoms",
        at: At | None = None, trace: Trace | None = None,
    ) -> None:
        """offers: how many places a choice has, from its first atom on. Uniform over them, or by the weights of
        ``at(trace)``, which has one for each atom (spans="choices": for each choice) that the names mean."""
        meant = [i for i, c in enumerate(choices) if matches(names, c.address)]
        offered = {i: max(0, offers(choices[i])) for i in meant}
        self.places = [(i, k) for i in meant for k in range(offered[i])]
        self._index: dict[tuple[int, int], int] | None = None
        self._p: Floats | None = None
        if at is not None and trace is not None and meant:
            spans_of = [choices[i].atoms if spans == "atoms" else 1 for i in meant]
            weights = _checked(at(trace), sum(spans_of))
            starts = np.cumsum([0, *spans_of])
            picked = [weights[s : s + offered[i]] for i, s in zip(meant, starts.tolist(), strict=False)]
            self._p = np.concatenate(picked)
            if self._p.any():
                self._p = self._p / self._p.sum()
            else:
                self.places = []

    def __len__(self) -> int:
        return len(self.places)

    def draw(self, chain: Chain) -> tuple[int, int]:
        """A place, drawn by the chain."""
        return self.places[chain.choose([1.0] * len(self.places) if self._p is None else self._p.tolist())]

    def log_p(self, place: tuple[int, int]) -> float:
        """log probability of a place; -inf where it is none."""
        if self._index is None:
            self._index = {p: n for n, p in enumerate(self.places)}
        n = self._index.get(place)
        if n is None or (self._p is not None and self._p[n] == 0):
            return -math.inf
        return -math.log(len(self.places)) if self._p is None else math.log(self._p[n])


def _checked(weights: ArrayLike, n: int) -> Floats:
    w = np.asarray(weights, np.float64)
    if w.shape != (n,) or not (np.isfinite(w) & (w >= 0)).all():
        raise ValueError(f"at(trace) must give {n} weights, one for each place, finite and at least 0; it gave shape "
                         f"{w.shape}: {w!r:.80}")
    return w
