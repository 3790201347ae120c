"""Importance sampling."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steersman.ppl.errors import AllParticlesDead
from steersman.ppl.particle import Particle

from .genealogy import Genealogy
from .killed import killed_by
from .pareto import pareto_k
from .posterior import Cost, Posterior
from .proposed import Proposed
from .run import Run
from .sizes import whole
from .variance import log_evidence_error
from .weights import log_sum_exp


@dataclass
class ImportanceState:
    finished: list[Particle] = field(default_factory=list)
    wave: list[Particle] = field(default_factory=list)


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

    def init(self, run: Run) -> ImportanceState:
        run.key = run.new_key()
        return ImportanceState()

    async def step(self, run: Run, state: ImportanceState) -> tuple[ImportanceState, dict[str, Any]]:
        start = len(state.finished)
        state.wave = self.proposed.spawn(run, range(start, min(start + self.batch, self.particles)))
        run.rewind()  # draws depend on the slot alone, so that batches of any size give one result
        await self.proposed.advance(run, state.wave)
        state.finished, state.wave = state.finished + state.wave, []
        return state, {"done": len(state.finished), "total": self.particles}

    def done(self, state: ImportanceState) -> bool:
        return len(state.finished) >= self.particles

    def result(self, run: Run, state: ImportanceState) -> Posterior:
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
