"""`VI`: variational inference as a method."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steersman.ppl.errors import AllParticlesDead
from steersman.ppl.keys import Key
from steersman.ppl.particle import Particle

from ..diagnostics.pareto import pareto_k
from ..diagnostics.variance import log_evidence_error
from ..posterior import Cost, Posterior
from ..posterior.genealogy import Genealogy
from ..posterior.killed import killed_by
from ..resampling.weights import log_sum_exp
from ..run import Run
from ..run.sizes import whole
from .estimators import Estimators, checked
from .gradient import Estimate
from .guide import as_guide
from .objective import Objective
from .objectives import elbo
from .training import Training, training


@dataclass
class VIState:
    """training: under way. last: what its last step drew. particles: drawn from the trained guide."""

    training: Training
    key: Key
    last: Estimate | None = None
    particles: list[Particle] = field(default_factory=list)
    sampled: bool = False


class VI:
    """Variational inference: fit a guide q to the posterior, then weigh draws from it.

        maximise  objective(p, q),  for `steps` steps;   x_i ~ q,  w_i = p(x_i, y) / q(x_i),  Z_hat = 1/N sum_i w_i

    The result is an importance sample from the trained guide, so log Z and expectations are right whatever the fit came
    to; how good it was, its ESS tells. guide, objective, draws, optimiser, estimators: as in `fit`. particles: N. The
    parameters stay in the guide: a second run goes on from them, and `Importance`, `SMC` and `MH` propose from it.
    posterior.info has the "losses", and the "pareto_k" of the weights, which tells whether the guide is wide enough
    (see `pareto_k`). A run that ends early weighs what the last step drew.

    Source: Jordan et al. 1999; the correction: Yao et al. 2018, "Yes, but did it work?". Cost: steps times draws
    executions of guide and program, and N of them.
    """

    def __init__(
        self, guide: Any, steps: int, *, objective: Objective = elbo, particles: int = 256, draws: int = 16,
        optimiser: Any = 0.01, estimators: Estimators | None = None,
    ) -> None:
        whole("VI", steps=steps, particles=particles, draws=draws)
        self.guide, self.steps, self.objective = as_guide(guide), steps, objective
        self.particles, self.draws, self.optimiser = particles, draws, optimiser
        self.estimators = checked(estimators)

    @property
    def name(self) -> str:
        return f"VI({self.steps} steps, {self.particles} particles)"

    def init(self, run: Run) -> VIState:
        work = training(self.guide, self.objective, self.optimiser, self.draws, self.estimators)
        return VIState(work, run.new_key())

    async def step(self, run: Run, state: VIState) -> tuple[VIState, dict[str, Any]]:
        t = len(state.training.values)
        if t < self.steps:
            state.last = await state.training.step(run, state.key)
            t += 1
        else:
            state.particles = run.spawn(range(self.particles), self.guide.applied(run.model))
            state.sampled = True
            await run.advance(state.particles, key=run.new_key())
        loss = f"loss {-state.training.values[-1]:.4g}," if state.training.values else ""
        return state, {"done": t, "total": self.steps + 1, "note": loss}

    def done(self, state: VIState) -> bool:
        return state.sampled

    def result(self, run: Run, state: VIState) -> Posterior:
        info: dict[str, Any] = {"losses": [-v for v in state.training.values]}
        about: dict[str, Any] = {
            "cost": Cost.of(run.meter), "method": self.name, "seed": run.seed, "stopped": run.stopped, "info": info
        }
        particles = state.particles
        if not particles and state.last is not None:
            traces = [None if e.killed_by else e.trace for e in state.last.draws[0]]
            log_w = state.last.log_weights - math.log(len(traces))
            info["pareto_k"] = pareto_k(log_w)
            return Posterior(traces, log_w, log_sum_exp(log_w), _error(log_w), **about)
        log_w = np.array([p.log_weight for p in particles]) - math.log(max(len(particles), 1))
        complete = state.sampled and all(p.done for p in particles)
        if complete:
            info["pareto_k"] = pareto_k(log_w)
        posterior = Posterior.of_particles(
            particles, log_w, log_evidence_error=_error(log_w) if complete else math.nan, **about
        )
        if complete and log_sum_exp(log_w) == -np.inf:
            raise AllParticlesDead(killed_by(particles), posterior)
        return posterior


def _error(log_w: Any) -> float:
    genealogy = Genealogy()
    genealogy.append(log_w)
    return log_evidence_error(genealogy)
