"""What Markov kernels leave invariant."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from dataclasses import dataclass
from typing import Protocol

from steersman.ppl.particle import Particle
from steersman.ppl.trace import Trace

_LIKELIHOODS = ("factor", "observe")


class Target(Protocol):
    """An unnormalised density over executions."""

    def log_density(self, particle: Particle) -> float:
        """log of the density of an execution that is not dead, in nats."""
        ...

    def power(self, kind: str, name: Hashable) -> float:
        """The power to which it raises the density of a site ("sample", "observe", "factor") of this name."""
        ...


@dataclass(frozen=True)
class Joint:
    """The program's own target: the product of its samples, observations and factors (and twists, where an execution
    is not finished)."""

    def log_density(self, particle: Particle) -> float:
        return particle.partial_trace().log_joint + particle.log_twist

    def power(self, kind: str, name: Hashable) -> float:
        return 1.0


@dataclass(frozen=True)
class Tempered:
    """prior(x) likelihood(x)^beta: the factors and observations (those of the given names; all for None) are raised to
    the power beta. Conditions stay hard."""

    beta: float
    names: frozenset[Hashable] | None = None

    def log_density(self, particle: Particle) -> float:
        trace = particle.partial_trace()
        return trace.log_joint - (1.0 - self.beta) * log_likelihood(trace, self.names)

    def power(self, kind: str, name: Hashable) -> float:
        return self.beta if kind in _LIKELIHOODS and (self.names is None or name in self.names) else 1.0


@dataclass(frozen=True)
class Sharpened:
    """target(x)^beta: what annealing samples on its way to a mode."""

    beta: float

    def log_density(self, particle: Particle) -> float:
        return self.beta * particle.partial_trace().log_joint

    def power(self, kind: str, name: Hashable) -> float:
        return self.beta


def log_likelihood(trace: Trace, names: Collection[Hashable] | None = None) -> float:
    """sum of the log-factors and log-likelihoods of an execution (of those of the given names), in nats."""
    return sum(
        s.log_p for _, s in trace.walk()
        if s.kind in _LIKELIHOODS and (names is None or s.name in names)
    )
