"""Where SMC stops to compare its particles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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


def barrier(spec: StopSpec) -> Callable[[], Stop]:
    """A factory of stop predicates (one for each step, since `every` counts) from what `resample_at` accepts.

    "weight": every effect that can change the weight: factors, conditions, twists, observations, and draws from a
    proposal. "factor": factors, conditions, twists and observations. "token": every token. every(k): every k tokens.
    Any other string: the sites of that name. A list: any of them. A function ``stop(particle, effect) -> bool``.
    """
    if callable(spec) and not isinstance(spec, every):
        return lambda: spec
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

    def make() -> Stop:
        drawn: dict[int, int] = {}

        def stop(particle: Particle, effect: Effect[Any]) -> bool:
            if isinstance(effect, (Factor, Observe)):
                return factors or effect.name in names
            if effect.name in names:
                return True
            if isinstance(effect, Sample):
                if weighs and effect.proposal is not None:
                    return True
                if period and not effect.sequential and hasattr(effect.dist, "tokens"):
                    n = drawn[particle.slot] = drawn.get(particle.slot, 0) + 1
                    return n >= period
            return False

        return stop

    return make
