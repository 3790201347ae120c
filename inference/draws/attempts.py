"""Independent executions that are accepted or not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steersman.ppl.errors import AllParticlesDead
from steersman.ppl.particle import Particle

from ..posterior import Cost, Posterior
from ..posterior.killed import killed_by
from ..run import Run
from .waves import Waves


@dataclass(kw_only=True)
class Attempts(Waves):
    """At most `total` executions, accepted with probability min(1, w / exp(log_bound)) until `samples` of them are.

    accepted: the draws. dead: what a factor or a condition killed. log_weights: those of all that were tried.
    """

    samples: int
    log_bound: float
    accepted: list[Particle] = field(default_factory=list)
    dead: list[Particle] = field(default_factory=list)
    log_weights: list[float] = field(default_factory=list)

    @property
    def met(self) -> bool:
        """Whether the last attempt was the last that was needed: the number of attempts is then not fixed."""
        return len(self.accepted) == self.samples

    @property
    def done(self) -> bool:
        return self.met or len(self.log_weights) >= self.total

    async def step(self, run: Run) -> dict[str, Any]:
        accept = run.key.fold(2**32)
        for p in await self.draw(run, len(self.log_weights)):
            self.log_weights.append(p.log_weight)
            if math.log(accept.fold(p.slot).uniform()) < p.log_weight - self.log_bound:
                self.accepted.append(p)
            elif p.dead:
                self.dead.append(p)
            if self.met:
                break
        return {"done": len(self.accepted), "total": self.samples}

    def posterior(
        self, run: Run, log_z: float, error: float, method: str, info: Mapping[str, Any] | None = None
    ) -> Posterior:
        """The accepted, with equal weights. Raises AllParticlesDead where all attempts were used up for nothing."""
        m, n = len(self.accepted), len(self.log_weights)
        if not self.met and run.stopped is None:
            run.stopped = f"{self.total} attempts are used up: {m} of {self.samples} samples"
        posterior = Posterior.of_particles(
            self.accepted, np.full(m, log_z - math.log(m) if m else -math.inf), log_evidence=log_z,
            log_evidence_error=error, cost=Cost.of(run.meter), method=method, seed=run.seed, stopped=run.stopped,
            info=info, killed=killed_by(self.dead),
        )
        if m == 0 and n >= self.total:
            turned_down = n - len(self.dead)
            accept_step = {"the accept step": turned_down} if turned_down else {}
            raise AllParticlesDead(killed_by(self.dead) | accept_step, posterior)
        return posterior
