"""Particle Gibbs."""

from __future__ import annotations

import warnings
from typing import Any

from steersman.ppl.particle import Particle

from .chain.start import Start
from .kernels.particle_gibbs import particle_gibbs
from .mcmc import MCMC, MCMCState
from .population.first_sweeps import first_sweeps
from .population.stops import StopSpec
from .posterior import Posterior
from .run import Run
from .run.sizes import whole


class ParticleGibbs(MCMC):
    """Particle Gibbs: every step of a chain is a sweep of N particles around its current execution, from which the next
    is drawn by weight.

        infer(story(lm), ParticleGibbs(16, 100))

    particles: N, at least 2, one of which follows the current execution at no cost. sweeps: steps after the warm-up.
    chains: advanced together. ancestor_sampling: the current execution gets a new past at every stop, where the program
    can score its future after another past (PGAS). resample_at: where particles are compared, as in `SMC`; resampling
    is multinomial, at every stop. init: None starts each chain with a plain SMC sweep of N particles; others as in
    `MCMC`. warmup, thin: as in `MCMC`. The draws are exact in the limit of many sweeps, whatever N; log Z is nan.
    Source and cost: see `kernels.particle_gibbs.ParticleGibbsKernel`.
    """

    def __init__(
        self, particles: int, sweeps: int, *, chains: int = 1, ancestor_sampling: bool = False,
        resample_at: StopSpec = "weight", warmup: int | None = None, thin: int = 1, init: Start | None = None,
    ) -> None:
        whole("ParticleGibbs", sweeps=sweeps)
        kernel = particle_gibbs(particles, resample_at=resample_at, ancestor_sampling=ancestor_sampling)
        super().__init__(
            kernel, chains, sweeps, warmup=warmup, thin=thin, init="prior" if init is None else init
        )
        self._sweep, self._from_sweeps = kernel, init is None

    @property
    def name(self) -> str:
        return f"ParticleGibbs({self._sweep.size}, {self.steps})"

    async def _first(self, run: Run) -> list[Particle]:
        if not self._from_sweeps:
            return await super()._first(run)
        return await first_sweeps(run, self.chains, self._sweep.size, self._sweep.barrier)

    def result(self, run: Run, state: MCMCState) -> Posterior:
        met: set[Any] = set().union(*(chain.memory.get((self._sweep, "met"), set()) for chain in state.chains))
        if run.stopped is None and (never := self._sweep.barrier.names - met):
            warnings.warn(f"resample_at names {sorted(never)}, but no particle met a site of that name", stacklevel=2)
        return super().result(run, state)
