"""Resample-move: particles that resampling has copied are moved, so that they differ again."""

from __future__ import annotations

from collections.abc import Sequence

from steersman.ppl.particle import Particle

from ..chain import Tally
from ..chain.paused import PausedChain
from ..kernels.kernel import Kernel
from ..run import Run
from ..run.gather import gather
from .stops import Barrier


def movable(kernel: Kernel) -> Kernel:
    """Raise TypeError unless the kernel can move executions that are not finished."""
    if not isinstance(kernel, Kernel):
        raise TypeError(f"SMC: rejuvenate={kernel!r} must be a move, such as suffix() or site('x')")
    if not kernel.partial:
        raise TypeError(
            f"SMC: rejuvenate={kernel!r} needs finished executions; use site(), suffix(), block(), edit(), "
            "subprogram(), random_walk(), or a mix or cycle of these"
        )
    return kernel


async def rejuvenate(
    run: Run, particles: Sequence[Particle], kernel: Kernel, steps: int, barrier: Barrier, stops: int, tally: Tally,
    chain_type: type[PausedChain] = PausedChain,
) -> list[Particle]:
    """The population after `stops` stops, every unfinished particle moved by `steps` applications of the kernel.

    Each is a chain of its own, whose target is the density of the executions that wait at that stop (see
    `PausedChain`). Moves are made at every stop, whether the population was resampled there or not, and never on what
    is finished: E[Zhat] = Z needs a schedule that does not depend on the population. (Moving only after an adaptive
    resampling was measured to be off by 15 % with six particles.) Weights and slots stay. tally: what happened is added
    to it. Source: Gilks & Berzuini 2001, "Following a moving target", section 2.3. Cost: that of the moves; what is not
    changed is not computed again.
    """
    key = run.new_key()
    chains = {i: chain_type(run, p, barrier, stops, key.fold(i)) for i, p in enumerate(particles) if not p.done}

    async def move(chain: PausedChain) -> None:
        for _ in range(steps):
            await kernel.step(chain)

    await gather([move(chain) for chain in chains.values()])
    moved = list(particles)
    for i, chain in chains.items():
        tally.add(chain.tally)
        chain.particle.slot, chain.particle.log_weight = particles[i].slot, particles[i].log_weight
        moved[i] = chain.particle
    return moved
