"""Where Markov chains start."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Any, Literal

from steersman.ppl.errors import SteersmanError
from steersman.ppl.particle import Particle

from .algorithm import Algorithm
from .killed import killed_by
from .posterior import Posterior
from .run import Run
from .schedule import execute

Start = Literal["prior"] | Algorithm[Any] | Posterior

_ATTEMPTS = 10


class ImpossibleStart(SteersmanError, ValueError):
    """Chains that could not start at an execution of positive density. `killed` counts what killed their attempts."""

    def __init__(self, message: str, killed: dict[str, int]) -> None:
        super().__init__(message)
        self.killed = killed


async def start_chains(run: Run, start: Start, chains: int) -> list[Particle]:
    """One finished execution of positive density for each chain.

    From the prior, a chain whose execution dies is drawn again, up to ten times; from a method or a posterior the
    traces are drawn by weight. Raises ImpossibleStart when a chain has found none.
    """
    if start == "prior":
        return await _from_prior(run, chains)
    if isinstance(start, Posterior):
        return _from_posterior(run, start, chains)
    if not hasattr(start, "step"):
        raise TypeError(f"init={start!r}: expected 'prior', a method such as SMC(64), or a posterior")
    inner = Run(run.model, run.key.fold(0, 1))
    inner.meter, inner.params = run.meter, run.params
    return _from_posterior(run, await execute(inner, start), chains)


async def _from_prior(run: Run, chains: int) -> list[Particle]:
    found: dict[int, Particle] = {}
    dead: list[Particle] = []
    for attempt in range(_ATTEMPTS):
        particles = run.spawn([slot for slot in range(chains) if slot not in found])
        await run.advance(particles, key=run.key.fold(0, 0, attempt))
        found |= {p.slot: p for p in particles if not p.dead}
        dead += [p for p in particles if p.dead]
        if len(found) == chains:
            return [found[slot] for slot in range(chains)]
    killed = killed_by(dead)
    sites = ", ".join(f"{site} ({n})" for site, n in sorted(killed.items(), key=lambda kv: -kv[1])[:6])
    raise ImpossibleStart(
        f"{chains - len(found)} of {chains} chains start at probability zero: {_ATTEMPTS} executions of the program "
        f"each have died, killed by {sites}. Start them elsewhere: init=SMC(64), or the posterior of another run",
        killed,
    )


def _from_posterior(run: Run, posterior: Posterior, chains: int) -> list[Particle]:
    weighted = posterior.weighted_traces()
    ends = list(accumulate(w for w, _ in weighted))
    out = []
    for slot in range(chains):
        u = run.key.fold(0, 2, slot).uniform() * ends[-1]
        trace = weighted[bisect_right(ends, u)][1]
        if trace.program is None:
            trace = type(trace)(run.model, trace.sites(), trace.value)
        out.append(Particle.of_trace(trace, slot))
    return out

