"""The prior above a level of the likelihood: what the moves of nested sampling leave invariant."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass

from steersman.ppl.particle import Particle

from ..chain.target import Tempered, log_likelihood

_PRIOR = Tempered(0.0)


@dataclass(frozen=True)
class Above:
    """The prior, restricted to executions above a level: log L > energy, or log L = energy and u > tie, where u is a
    uniform that breaks ties (it is integrated out, so an execution at the level has the share 1 - tie)."""

    energy: float
    tie: float

    def log_density(self, particle: Particle) -> float:
        E = log_likelihood(particle.partial_trace())
        if self.energy > E:
            return -math.inf
        return _PRIOR.log_density(particle) + (math.log1p(-self.tie) if self.energy == E else 0.0)

    def power(self, kind: str, name: Hashable) -> float:
        return _PRIOR.power(kind, name)

    def draw_tie(self, energy: float, u: float) -> float:
        """The uniform of an execution above the level, from one in (0, 1)."""
        return self.tie + (1.0 - self.tie) * u if energy == self.energy else u
