"""Annealing: schedules that turn a sampler into a search for the mode."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable
from dataclasses import dataclass
from typing import Literal

from steersman.ppl.particle import Particle

from ..chain import Chain
from ..chain.target import Sharpened, Target, Tempered
from ..run import Run

Kind = Literal["geometric", "linear"]
What = Literal["joint", "factors"] | Collection[Hashable]


@dataclass(frozen=True)
class Anneal:
    """beta(u), the inverse temperature 1/T at the fraction u of the steps, and what it is the power of.

        geometric: beta(u) = start (end / start)^u        linear: beta(u) = start + u (end - start)

    names: None raises the whole joint density to the power beta; a set of names the factors and observations of these
    names, and an empty set all of them.
    """

    start: float
    end: float
    kind: Kind
    names: frozenset[Hashable] | None

    def beta(self, u: float) -> float:
        """The inverse temperature at 0 <= u <= 1."""
        if u >= 1.0:
            return self.end
        if self.kind == "linear":
            return self.start + u * (self.end - self.start)
        return float(self.start * (self.end / self.start) ** u)

    def target(self, u: float) -> Target:
        """What a kernel leaves invariant at the fraction u."""
        beta = self.beta(u)
        return Sharpened(beta) if self.names is None else Tempered(beta, self.names or None)


def anneal(start: float = 1.0, end: float = 20.0, kind: Kind = "geometric", of: What = "joint") -> Anneal:
    """A schedule for ``MH(..., anneal=anneal(1, 20))``: the target is raised to a power that goes from start to end.

    of: "joint" (the default) anneals the whole density, target(x)^beta, so that the chain ends at the most probable
    execution; "factors" all factors and observations, prior(x) likelihood(x)^beta, so that it ends at the best scored
    execution and what the language model says breaks ties; a list of names only the factors of these names
    (``of=["score"]``: exp((s' - s) / T) with T = 1 / beta). Source: Kirkpatrick, Gelatt & Vecchi 1983, "Optimization by
    simulated annealing". Raises ValueError for powers that are not finite and positive (a linear one may start at 0).
    """
    if kind not in ("geometric", "linear"):
        raise ValueError(f"anneal(kind={kind!r}): expected 'geometric' or 'linear'")
    if not (0.0 <= start < math.inf and 0.0 < end < math.inf and (start > 0.0 or kind == "linear")):
        raise ValueError(f"anneal(start={start}, end={end}): powers are finite and positive (a linear start may be 0)")
    if isinstance(of, str) and of not in ("joint", "factors"):
        raise ValueError(f"anneal(of={of!r}): expected 'joint', 'factors' or a list of names, such as of=[{of!r}]")
    names = None if of == "joint" else frozenset() if of == "factors" else frozenset(of)
    if not isinstance(of, str) and not names:
        raise ValueError("anneal(of=[]): name at least one factor, or write of='factors' for all of them")
    return Anneal(float(start), float(end), kind, names)


class Seeker(Chain):
    """A chain that remembers the best execution that it has come by, whether accepted or not.

    best: that execution. score: its log density under the last target of the schedule, in nats.
    """

    def __init__(self, run: Run, slot: int, particle: Particle, schedule: Anneal) -> None:
        super().__init__(run, slot, particle, schedule.target(0.0))
        self._goal = schedule.target(1.0)
        self.best, self.score = particle.partial_trace(), self._goal.log_density(particle)

    def log_target(self, particle: Particle) -> float:
        self.consider(particle)
        return super().log_target(particle)

    def consider(self, particle: Particle) -> None:
        """Remember an execution if it is the best so far."""
        if particle.trace is not None and (score := self._goal.log_density(particle)) > self.score:
            self.best, self.score = particle.trace, score
