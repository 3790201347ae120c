"""`particle_gibbs`: the execution is drawn anew by a conditional sweep of particles."""

from __future__ import annotations

from collections.abc import Hashable

from steersman.ppl.trace import Trace

from ..chain import Chain
from ..population.csmc import ConditionalSMC
from ..population.given import Given
from ..population.stops import StopSpec, barrier
from ..run.sizes import whole
from .choices import Names, choices_of, matches, none_named
from .kernel import Kernel, called


class ParticleGibbsKernel(Kernel):
    """One conditional SMC sweep of N particles around the current execution; the next is drawn by the final weights:

        x' = x_k,   P(k) = W_k   of   `ConditionalSMC(x)`

    names: only the choices of these names are drawn; the others keep their values, and so does the set of them. It
    leaves the target invariant for every N >= 2 and mixes faster with more. Without ancestor sampling the beginning of
    a long execution is rarely replaced, since the particles soon share the ancestor of the reference; with it the
    reference is cut at every stop (see `ancestor_sampling`). Sources: Andrieu, Doucet & Holenstein 2010, section 2.4.3;
    Lindsten, Jordan & Schön 2014, "Particle Gibbs with ancestor sampling". Cost: N - 1 executions, the reference is
    free (what is kept is scored for every particle).
    """

    sweep = ConditionalSMC

    def __init__(self, particles: int, names: Names, resample_at: StopSpec, ancestor_sampling: bool) -> None:
        whole("particle_gibbs", particles=particles)
        if particles < 2:
            raise ValueError(f"particle_gibbs: particles={particles} must be at least 2: one of them is the reference")
        self.size, self.names, self.resample_at = particles, names, resample_at
        self.ancestor_sampling, self.barrier = ancestor_sampling, barrier(resample_at)

    @property
    def name(self) -> str:
        return called("particle_gibbs", (self.size, *self.names), ancestor_sampling=self.ancestor_sampling)

    def on(self, names: Names) -> ParticleGibbsKernel:
        return ParticleGibbsKernel(self.size, names, self.resample_at, self.ancestor_sampling)

    def missing(self, trace: Trace) -> str | None:
        if any(matches(self.names, c.address) for c in choices_of(trace)):
            return None
        return none_named(self.names, trace)

    async def step(self, chain: Chain) -> None:
        given = Given.of(chain.trace, lambda a: matches(self.names, a)) if self.names else None
        met: set[Hashable] = chain.memory.setdefault((self, "met"), set())
        sweep = await self.sweep(
            chain, self.size, self.barrier, chain.trace, given=given, ancestor_sampling=self.ancestor_sampling, met=met
        ).run()
        slot = sweep.draw(chain)
        moved = slot != 0 or sweep.retained is not chain.trace
        chain.tally.count(self.name, moved)
        if moved:
            chain.particle = sweep.particles[slot]


def particle_gibbs(
    particles: int, *names: Hashable, resample_at: StopSpec = "weight", ancestor_sampling: bool = False
) -> ParticleGibbsKernel:
    """A kernel that draws the whole execution, or the choices of these names, by a conditional sweep:
    ``MH(4, 200, cycle(particle_gibbs(16), site("topic")))``. See `ParticleGibbsKernel`."""
    return ParticleGibbsKernel(particles, names, resample_at, ancestor_sampling)
