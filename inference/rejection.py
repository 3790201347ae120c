"""Rejection sampling."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steersman.ppl.errors import AllParticlesDead, InvalidWeight
from steersman.ppl.particle import Particle

from .killed import killed_by
from .posterior import Cost, Posterior
from .run import Run
from .sizes import whole


@dataclass
class RejectionState:
    accepted: list[Particle] = field(default_factory=list)
    rejected: list[Particle] = field(default_factory=list)
    attempts: int = 0
    stop: bool = False


class Rejection:
    """Exact, independent draws: run the program, accept with probability w / exp(log_bound).

    samples: how many draws are wanted. attempts: how many executions may be tried. log_bound (nats): an upper bound of
    the log-weight; 0 is right for programs that only condition. A weight above it raises InvalidWeight.

    log Z = log_bound + log P(accept). If the run ends at the m-th acceptance after n attempts, P = (m - 1) / (n - 1),
    which is unbiased (Haldane 1945); if it runs out of attempts, P = accepted / attempts. Draws have equal weights.
    Source: von Neumann 1951. Cost: samples / P(accept) executions.
    """

    def __init__(self, samples: int, *, attempts: int = 100_000, log_bound: float = 0.0, batch: int = 256) -> None:
        whole("Rejection", samples=samples, attempts=attempts, batch=batch)
        self.samples, self.attempts, self.log_bound, self.batch = samples, attempts, log_bound, batch

    @property
    def name(self) -> str:
        return f"Rejection({self.samples})"

    def init(self, run: Run) -> RejectionState:
        run.key = run.new_key()
        return RejectionState()

    async def step(self, run: Run, state: RejectionState) -> tuple[RejectionState, dict[str, Any]]:
        start = state.attempts
        wave = run.spawn(range(start, min(start + self.batch, self.attempts)))
        run.rewind()
        accept = run.key.fold(2**32)
        await run.advance(wave)
        for p in wave:
            if p.log_weight > self.log_bound + 1e-9:
                raise InvalidWeight(
                    f"Rejection: an execution has log-weight {p.log_weight:.4g}, above log_bound={self.log_bound:.4g}: "
                    "set log_bound to an upper bound of the sum of factors, observations and log p - log q of proposals"
                )
            state.attempts += 1
            if math.log(accept.fold(p.slot).uniform()) < p.log_weight - self.log_bound:
                state.accepted.append(p)
            elif p.dead:
                state.rejected.append(p)
            if len(state.accepted) == self.samples:
                state.stop = True
                break
        return state, {"done": len(state.accepted), "total": self.samples}

    def done(self, state: RejectionState) -> bool:
        return state.stop or state.attempts >= self.attempts

    def result(self, run: Run, state: RejectionState) -> Posterior:
        m, n = len(state.accepted), state.attempts
        if m < self.samples and run.stopped is None:
            run.stopped = f"{self.attempts} attempts are used up: {m} of {self.samples} samples"
        met = state.stop and m > 1
        rate = (m - 1) / (n - 1) if met else m / n if n else math.nan
        error = math.sqrt((1 - rate) / max(m - met, 1)) if rate > 0 else math.nan
        log_z = self.log_bound + (math.log(rate) if rate > 0 else -math.inf)
        posterior = Posterior.of_particles(
            state.accepted, np.full(m, log_z - math.log(m) if m else -math.inf), log_evidence=log_z,
            log_evidence_error=error, cost=Cost.of(run.meter), method=self.name, seed=run.seed, stopped=run.stopped,
            killed=killed_by(state.rejected),
        )
        if m == 0 and n >= self.attempts:
            turned_down = n - len(state.rejected)
            accept_step = {"the accept step": turned_down} if turned_down else {}
            raise AllParticlesDead(killed_by(state.rejected) | accept_step, posterior)
        return posterior
