"""`particle_marginal`: parameters are proposed, everything else is filled in by a sweep of particles."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass

from steersman.ppl.address import format_address
from steersman.ppl.particle import Particle
from steersman.ppl.trace import Trace

from ..chain import Chain
from ..population.csmc import Sweep, conditional_sweep
from ..population.given import Given
from ..population.stops import StopSpec, barrier
from ..run.sizes import whole
from .choices import Names, choices_of, matches, none_named
from .kernel import Kernel, Move, Proposal, called
from .parameters import ParameterChain, out_of_place, parameters_of
from .site import site


@dataclass(frozen=True)
class _Current:
    """What is remembered of the current execution: as far as its parameters go, and log Zhat of its sweep (nats)."""

    particle: Particle
    parameters: Particle
    log_evidence: float


class ParticleMarginal(Kernel):
    """Particle-marginal Metropolis-Hastings: propose theta' ~ q(. | theta), run a sweep of N particles with theta'
    imposed, draw one of them, accept with probability

        min(1, Zhat(theta') q(theta | theta') / (Zhat(theta) q(theta' | theta))),      E Zhat(theta) = p(theta, data)

    so that (theta, x) has the program's posterior for every N, and theta moves nearly as under its marginal for large
    ones. The chain keeps the Zhat of its current state: to estimate that again at each step would be another algorithm,
    with another target. Where the current execution comes from elsewhere (the start, another kernel of a cycle) its
    Zhat is that of a conditional sweep around it, which is its law given the execution.

    names: the parameters, which must be the first choices of the program; without any this is particle-independent
    Metropolis-Hastings. move: proposes theta' (`site`, `random_walk`, `propose`, ...; others may follow only
    parameters). Source: Andrieu, Doucet & Holenstein 2010, sections 2.4.1 and 2.4.2. Cost: one sweep, N executions.
    """

    def __init__(self, particles: int, names: Names, move: Move, resample_at: StopSpec) -> None:
        whole("particle_marginal", particles=particles)
        if not isinstance(move, Move):
            raise TypeError(f"particle_marginal: move={move!r} must be one move, such as site() or random_walk(...)")
        self.size, self.names, self.move, self.barrier = particles, names, move, barrier(resample_at)

    @property
    def name(self) -> str:
        return called("particle_marginal", (self.size, *self.names))

    def missing(self, trace: Trace) -> str | None:
        if not self.names or any(matches(self.names, c.address) for c in choices_of(trace)):
            return None
        return none_named(self.names, trace)

    async def step(self, chain: Chain) -> None:
        current = chain.memory.get(self)
        if current is None or current.particle is not chain.particle:
            current = chain.memory[self] = await self._adopt(chain)
        proposal = await self._propose(chain, current)
        if proposal is None:
            return
        accepted = False
        if not proposal.particle.dead:
            sweep = await self._sweep(chain, proposal.particle, None)
            gain = sweep.log_evidence - await self._own_evidence(chain, current)
            accepted = sweep.log_evidence > -math.inf and chain.accepts(gain + proposal.log_ratio)
        chain.tally.count(self.name, accepted)
        if accepted:
            chain.particle = sweep.particles[sweep.draw(chain)]
            chain.memory[self] = _Current(chain.particle, proposal.particle, sweep.log_evidence)

    async def _adopt(self, chain: Chain) -> _Current:
        """Take up an execution that no sweep of this kernel has made."""
        parameters = await parameters_of(chain, self.names) if self.names else chain.restart()
        sweep = await self._sweep(chain, parameters, chain.trace)
        return _Current(chain.particle, parameters, sweep.log_evidence)

    async def _own_evidence(self, chain: Chain, current: _Current) -> float:
        """log Zhat of the current execution: the one that it was accepted with."""
        return current.log_evidence

    async def _propose(self, chain: Chain, current: _Current) -> Proposal | None:
        if not self.names:
            return Proposal(current.parameters, 0.0)
        return await self.move.propose(ParameterChain(chain, self.names, current.parameters))

    async def _sweep(self, chain: Chain, parameters: Particle, reference: Trace | None) -> Sweep:
        """A sweep with the parameters imposed, conditional on `reference` where it is given."""
        if not self.names:
            return await conditional_sweep(chain, self.size, self.barrier, reference)
        values = {c.address: c.site.value for c in choices_of(parameters.partial_trace())}
        given = Given(values, lambda a: not matches(self.names, a))
        sweep = await conditional_sweep(chain, self.size, self.barrier, reference, given=given)
        for p in sweep.particles:
            if p.trace is not None and not given.agrees(p.trace):
                stray = next(a for a in p.trace.choice_sites() if matches(self.names, a) and not given.imposes(a))
                raise out_of_place(format_address(stray))
        return sweep


def particle_marginal(
    particles: int, *names: Hashable, move: Move | None = None, resample_at: StopSpec = "weight"
) -> ParticleMarginal:
    """A kernel that proposes the parameters of these names and draws all else by a sweep of particles:
    ``MH(4, 500, particle_marginal(32, "mu", move=random_walk(scale=0.3)))``. See `ParticleMarginal`."""
    return ParticleMarginal(particles, names, site() if move is None else move, resample_at)
