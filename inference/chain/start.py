"""Where Markov chains start."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Literal

from steersman.ppl.errors import SteersmanError
from steersman.ppl.particle import Particle

from ..posterior import Posterior
from ..posterior.killed import killed_by
from ..run import Run
from ..run.algorithm import Algorithm
from ..run.schedule import execute

Start = Literal["prior"] | Algorithm[Any] | Posterior

_ATTEMPTS = 100
_HOPELESS = 10  # attempts after which no chain at all has found a start


class ImpossibleStart(SteersmanError, ValueError):
    """Chains that could not start at an execution of positive density. `killed` counts what killed their attempts."""

    def __init__(self, message: str, killed: dict[str, int]) -> None:
        super().__init__(message)
        self.killed = killed


async def start_chains(run: Run, start: Start, chains: int) -> list[Particle]:
    """One finished execution of positive density for each chain.

    From the prior, a chain whose execution dies is drawn again, up to a hundred times (ten, if no chain has found one
    by then); from a method or a posterior the traces are drawn by weight. Raises ImpossibleStart when a chain has
    found none.
    """
    if start == "prior":
        return await _from_prior(run, chains)
    if isinstance(start, Posterior):
        return await _from_posterior(run, start, chains)
    if not hasattr(start, "step"):
        raise TypeError(f"init={start!r}: expected 'prior', a method such as SMC(64), or a posterior")
    inner = Run(run.model, run.key.fold(0, 1))
    inner.meter, inner.params = run.meter, run.params
    return await _from_posterior(run, await execute(inner, start), chains)


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
        if attempt + 1 >= _HOPELESS and not found:
            break
    raise _impossible(
        f"{chains - len(found)} of {chains} chains start at probability zero: {attempt + 1} executions of the program "
        "each have died", dead,
    )


async def _from_posterior(run: Run, posterior: Posterior, chains: int) -> list[Particle]:
    """Executions drawn by weight. Those of another program call (or read from a file) are run again under this one,
    with their choices: its densities count."""
    weighted = posterior.weighted_traces()
    ends = list(accumulate(w for w, _ in weighted))
    picked = [
        weighted[bisect_right(ends, run.key.fold(0, 2, slot).uniform() * ends[-1])][1] for slot in range(chains)
    ]
    foreign = {slot: trace.choices() for slot, trace in enumerate(picked) if trace.program is not run.model}
    again = {p.slot: p for p in run.spawn(list(foreign))}

    def choose(p: Particle) -> tuple[bool, Any]:
        table, address = foreign[p.slot], p.address
        return (True, table[address]) if address in table else (False, None)

    await run.advance(list(again.values()), choose=choose, key=run.key.fold(0, 3))
    if dead := [p for p in again.values() if p.dead]:
        raise _impossible(f"{len(dead)} of {chains} chains start at probability zero: with the choices of the "
                          "posterior that they were to start from, this program dies", dead)
    return [again[slot] if slot in again else Particle.of_trace(trace, slot) for slot, trace in enumerate(picked)]


def _impossible(what: str, dead: Sequence[Particle]) -> ImpossibleStart:
    killed = killed_by(dead)
    sites = ", ".join(f"{site} ({n})" for site, n in sorted(killed.items(), key=lambda kv: -kv[1])[:6])
    advice = "Start them elsewhere: init=SMC(64), or the posterior of another run"
    return ImpossibleStart(f"{what}, killed by {sites}. {advice}", killed)

