"""Where SMC stops to compare its particles."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from steersman.ppl.effects import Effect, Factor, Observe, Sample
from steersman.ppl.particle import Particle
from steersman.ppl.requests import Stop


@dataclass(frozen=True)
class every:  # noqa: N801 - read as a word: resample_at=every(8)
    """Stop every k tokens: ``SMC(64, resample_at=every(8))``."""

    k: int

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"every({self.k}): the number of tokens must be at least 1")


StopSpec = str | every | Stop | Sequence["str | every"]


@dataclass(frozen=True)
class Barrier:
    """What `resample_at` says: `make(met)` gives the predicate of one step (`every` counts from the last stop) and
    notes in `met` which of the `names` it has stopped at."""

    names: frozenset[str]
    make: Callable[[set[Hashable]], Stop]


def barrier(spec: StopSpec) -> Barrier:
    """The barrier of a specification.

    "weight": every effect that can change the weight: factors, conditions, twists, observations, and draws from a
    proposal. "factor": factors, conditions, twists and observations. "token": every token. every(k): every k tokens.
    Any other string: the sites of that name. A list: any of them. A function ``stop(particle, effect) -> bool``.
    """
    if callable(spec) and not isinstance(spec, every):
        return Barrier(frozenset(), lambda met: spec)
    specs = [spec] if isinstance(spec, (str, every)) else list(spec) if isinstance(spec, Iterable) else []
    if not specs or not all(isinstance(s, (str, every)) for s in specs):
        raise ValueError(
            f"resample_at={spec!r}: expected 'weight', 'factor', 'token', every(k), names of sites or a function"
        )
    names = frozenset(s for s in specs if isinstance(s, str)) - {"weight", "factor", "token"}
    weighs = "weight" in specs
    factors = weighs or "factor" in specs
    counts = [s.k for s in specs if isinstance(s, every)]
    period = 1 if "token" in specs else min(counts, default=0)

    def make(met: set[Hashable]) -> Stop:
        drawn: dict[int, int] = {}

        def stop(particle: Particle, effect: Effect[Any]) -> bool:
            if effect.name in names:
                met.add(effect.name)
                return True
            if isinstance(effect, (Factor, Observe)):
                return factors
            if isinstance(effect, Sample):
                if weighs and effect.proposal is not None:
                    return True
                if period and not effect.sequential and hasattr(effect.dist, "tokens"):
                    n = drawn[particle.slot] = drawn.get(particle.slot, 0) + 1
                    return n >= period
            return False

        return stop

    return Barrier(names, make)
