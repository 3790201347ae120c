"""Importance sampling."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from steersman.ppl.errors import AllParticlesDead

from .diagnostics.pareto import pareto_k
from .diagnostics.variance import log_evidence_error
from .draws.proposed import Proposed
from .draws.waves import Draws
from .posterior import Cost, Posterior
from .posterior.genealogy import Genealogy
from .posterior.killed import killed_by
from .resampling.weights import log_sum_exp
from .run import Run
from .run.sizes import whole


class Importance:
    """N independent executions, weighted:  Z_hat = (1/N) sum_i w_i,  w = target / proposal.

    particles: N. proposal: a guide program; its choices are imposed on the sites of the same address, and the weight
    is divided by the density with which it drew them. Every choice of the guide must be a site of the program. Or a
    `Guide`, which runs in step with the program, and may leave sites to it (see `guided`). batch: how many executions
    are in memory at once (all up to 256 by default); it does not change the result.

    Unbiased for Z; the error of log Z_hat is the delta method; posterior.info["pareto_k"] tells whether it can be
    trusted (see `pareto_k`). Stopped by a budget, the result holds the batches that were completed (or what of the
    first one is finished). Source: Robert & Casella 2004, section 3.3. Cost: N runs.
    """

    def __init__(self, particles: int, *, proposal: Any = None, batch: int | None = None) -> None:
        whole("Importance", particles=particles, batch=1 if batch is None else batch)
        self.particles = particles
        self.proposed = Proposed(proposal)
        self.batch = min(particles, 256) if batch is None else batch

    @property
    def name(self) -> str:
        return f"Importance({self.particles})"

    def init(self, run: Run) -> Draws:
        run.key = run.new_key()
        return Draws(self.particles, self.batch, self.proposed)

    async def step(self, run: Run, state: Draws) -> tuple[Draws, dict[str, Any]]:
        return state, await state.step(run)

    def done(self, state: Draws) -> bool:
        return state.done

    def result(self, run: Run, state: Draws) -> Posterior:
        particles = state.finished or state.wave
        log_w = np.array([p.log_weight for p in particles]) - np.log(len(particles))
        genealogy = Genealogy()
        genealogy.append(log_w)
        whole = all(p.done for p in particles)  # unfinished executions do not yet estimate Z, and tell no error of it
        posterior = Posterior.of_particles(
            particles, log_w, log_evidence_error=log_evidence_error(genealogy) if whole else math.nan,
            cost=Cost.of(run.meter), method=self.name, seed=run.seed, stopped=run.stopped,
            info={"pareto_k": pareto_k(log_w)} if whole else None,
        )
        if log_sum_exp(log_w) == -np.inf:
            raise AllParticlesDead(killed_by(particles), posterior)
        return posterior
