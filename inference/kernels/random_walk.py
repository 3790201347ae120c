"""`random_walk`: Gaussian steps of the continuous choices."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import numpy as np

from steersman.ppl.trace import Trace

from ..chain import Chain
from .choices import Choice, Names, choices_of, matches, none_named
from .kernel import Move, Proposal, called
from .rerun import rerun


class RandomWalk(Move):
    """Every continuous choice x of the given names takes a step at once,  x' = x + scale e,  e ~ N(0, I), and every
    discrete one is drawn anew from what the program draws it from; the others are kept:

        log ratio = log q(discrete choices, and what y lacks of x) - log q(those of y, and what y has anew)

    The Gaussian is symmetric, so its density cancels. A step out of the support is rejected. names: all choices for
    none. scale: the standard deviation of a step; an acceptance near .3 is a good one (Roberts, Gelman & Gilks 1997).
    Source: Metropolis et al. 1953. Cost: what follows the first of these choices is scored again.
    """

    partial = True

    def __init__(self, names: Names, scale: float) -> None:
        if not 0 < scale < math.inf:
            raise ValueError(f"random_walk(scale={scale!r}): expected a positive, finite standard deviation")
        self.names, self.scale = names, float(scale)

    @property
    def name(self) -> str:
        return called("random_walk", self.names, scale=self.scale)

    def on(self, names: Names) -> RandomWalk:
        return RandomWalk(names, self.scale)

    def missing(self, trace: Trace) -> str | None:
        return None if self._meant(choices_of(trace)) else none_named(self.names, trace)

    async def propose(self, chain: Chain) -> Proposal | None:
        old = choices_of(chain.trace)
        meant = self._meant(old)
        if not meant:
            return None
        steps = chain.new_key().generator()
        moved = {c.address: _step(c.site.value, self.scale, steps) for c in meant if _continuous(c.site.value)}
        drawn = {c.address for c in meant} - moved.keys()
        first = next(i for i, c in enumerate(old) if c is meant[0])
        new = await rerun(chain, old, first, drawn.__contains__, impose=moved)
        if new.particle.dead:
            return Proposal(new.particle, -math.inf)
        there = {c.address for c in old}
        led_back = all(
            _continuous(c.site.value) == (c.address in moved) for c in self._meant(new.new) if c.address in there
        )
        return Proposal(new.particle, new.log_ratio if led_back else -math.inf)

    def _meant(self, choices: list[Choice]) -> list[Choice]:
        return [c for c in choices if matches(self.names, c.address)]


def _continuous(value: Any) -> bool:
    return not isinstance(value, str) and np.asarray(value).dtype.kind == "f"


def _step(value: Any, scale: float, steps: np.random.Generator) -> Any:
    x = np.asarray(value, np.float64)
    moved = x + scale * steps.standard_normal(x.shape)
    return moved if x.ndim else float(moved)


def random_walk(*names: Hashable, scale: float) -> RandomWalk:
    """A move by Gaussian steps: ``MH(8, 1000, random_walk("mu", "sigma", scale=0.2))``. See `RandomWalk`."""
    return RandomWalk(names, scale)
