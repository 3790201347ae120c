"""Where chains of sweeps start: at a draw of a sweep without a reference."""

from __future__ import annotations

from steersman.ppl.particle import Particle

from ..chain import Chain
from ..chain.start import _impossible
from ..run import Run
from ..run.gather import gather
from .csmc import conditional_sweep
from .stops import Barrier

_ATTEMPTS = 10


async def first_sweeps(run: Run, chains: int, particles: int, barrier: Barrier) -> list[Particle]:
    """One execution of positive density for each chain: a draw, by weight, from its own plain sweep of N particles; a
    sweep whose particles all die is made again, up to ten times. Raises ImpossibleStart when a chain has found none."""
    dead: list[Particle] = []

    async def first(slot: int) -> Particle | None:
        chain = Chain(run, slot, run.spawn([slot])[0])
        chain.begin_step(0)
        for _ in range(_ATTEMPTS):
            sweep = await conditional_sweep(chain, particles, barrier, None)
            if sweep.log_evidence > -float("inf"):
                return sweep.particles[sweep.draw(chain)]
            dead.extend(sweep.particles)
        return None

    found = await gather([first(slot) for slot in range(chains)])
    started = [p for p in found if p is not None]
    if len(started) == chains:
        return started
    raise _impossible(
        f"{chains - len(started)} of {chains} chains start at probability zero: all particles of {_ATTEMPTS} sweeps "
        "have died", dead,
    )
