"""Particle-marginal Metropolis-Hastings."""

from __future__ import annotations

from collections.abc import Collection, Hashable

from steersman.ppl.particle import Particle

from .chain.start import Start
from .kernels.kernel import Move
from .kernels.particle_marginal import particle_marginal
from .mcmc import MCMC
from .population.first_sweeps import first_sweeps
from .population.stops import StopSpec
from .run import Run
from .run.sizes import whole


class ParticleMarginalMH(MCMC):
    """Particle-marginal Metropolis-Hastings: a chain over the parameters theta of a program, whose every step runs SMC
    over everything else and accepts by the ratio of the evidence estimates.

        infer(judge(lm), ParticleMarginalMH(64, 500, parameters=["bias", "noise"], move=random_walk(scale=0.2)))

    particles: N of each sweep; the acceptance falls when log Zhat varies by more than about 1.2 nats (Doucet et al.
    2015), so take N large enough. steps, warmup, thin: as in `MCMC`. parameters: names of the sites theta, the first
    choices of the program; without any, each step proposes a whole new execution by SMC (particle-independent MH).
    move: how theta is proposed; by default `site()`: one parameter, from its own distribution. chains: advanced
    together. resample_at: as in `SMC`; resampling is multinomial, at every stop. init: None starts each chain with a
    plain sweep; others as in `MCMC`. See `kernels.particle_marginal.ParticleMarginal` for the ratio, source and cost.
    """

    def __init__(
        self, particles: int, steps: int, *, parameters: str | Collection[Hashable] = (), move: Move | None = None,
        chains: int = 1, resample_at: StopSpec = "weight", warmup: int | None = None, thin: int = 1,
        init: Start | None = None,
    ) -> None:
        whole("ParticleMarginalMH", particles=particles)
        names = (parameters,) if isinstance(parameters, str) else tuple(parameters)
        kernel = particle_marginal(particles, *names, move=move, resample_at=resample_at)
        super().__init__(kernel, chains, steps, warmup=warmup, thin=thin, init="prior" if init is None else init)
        self._sweep, self._from_sweeps = kernel, init is None

    @property
    def name(self) -> str:
        return f"ParticleMarginalMH({self._sweep.size}, {self.steps})"

    async def _first(self, run: Run) -> list[Particle]:
        if not self._from_sweeps:
            return await super()._first(run)
        return await first_sweeps(run, self.chains, self._sweep.size, self._sweep.barrier)
