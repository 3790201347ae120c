"""Quasi-rejection sampling."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steersman.ppl.errors import AllParticlesDead
from steersman.ppl.particle import Particle

from .diagnostics.divergences import Divergences, divergences
from .draws.proposed import Proposed
from .posterior import Cost, Posterior
from .posterior.killed import killed_by
from .resampling.weights import log_mean_exp
from .run import Run
from .run.sizes import whole


@dataclass
class QuasiRejectionState:
    accepted: list[Particle] = field(default_factory=list)
    dead: list[Particle] = field(default_factory=list)
    log_weights: list[float] = field(default_factory=list)
    stop: bool = False


class QuasiRejection:
    """Rejection sampling without a bound: accept with probability min(1, w / beta),  w = target / proposal.

    The draws are independent and have the law P_beta ~ min(P, beta q): the target P where beta bounds the weights, the
    proposal q as beta goes to 0. Larger is nearer to the target, in total variation and KL, and accepts less. The
    result tells how near: its `method` says whether it is approximate, `info` has the `acceptance`, `tv` with
    `tv_error`, `kl` (KL(target || draws), nats) and `above` of `divergences`, and the `log_weights` of all proposals,
    from which `divergences(log_weights, log_beta)` tells the same for any other beta.

    samples: how many draws are wanted. proposal: a guide program or a `Guide`, as for `Importance`; without one the
    program's own proposals draw. log_beta (nats): log beta, against the unnormalised weights. attempts: how many
    executions may be tried. batch: how many are in memory at once; it does not change the result.

    log Z is that of importance sampling with all the proposals (but the last, if it ended the run: the mean is then
    unbiased, as Haldane's rate in `Rejection`). Draws have equal weights. Source: Eikema, Kruszewski, Dance, Elsahar &
    Dymetman 2022, "An approximate sampler for energy-based models with divergence diagnostics". Cost: samples /
    P(accept) executions.
    """

    def __init__(
        self, samples: int, *, proposal: Any = None, log_beta: float = 0.0, attempts: int = 100_000, batch: int = 256,
    ) -> None:
        whole("QuasiRejection", samples=samples, attempts=attempts, batch=batch)
        if not math.isfinite(log_beta):
            raise ValueError(f"QuasiRejection: log_beta={log_beta} is a finite number of nats")
        self.samples, self.log_beta, self.attempts, self.batch = samples, log_beta, attempts, batch
        self.proposed = Proposed(proposal)

    @property
    def name(self) -> str:
        return f"QuasiRejection({self.samples}, log_beta={self.log_beta:g})"

    def init(self, run: Run) -> QuasiRejectionState:
        run.key = run.new_key()
        return QuasiRejectionState()

    async def step(self, run: Run, state: QuasiRejectionState) -> tuple[QuasiRejectionState, dict[str, Any]]:
        start = len(state.log_weights)
        wave = self.proposed.spawn(run, range(start, min(start + self.batch, self.attempts)))
        run.rewind()
        accept = run.key.fold(2**32)
        await self.proposed.advance(run, wave)
        for p in wave:
            state.log_weights.append(p.log_weight)
            if math.log(accept.fold(p.slot).uniform()) < p.log_weight - self.log_beta:
                state.accepted.append(p)
            elif p.dead:
                state.dead.append(p)
            if len(state.accepted) == self.samples:
                state.stop = True
                break
        return state, {"done": len(state.accepted), "total": self.samples}

    def done(self, state: QuasiRejectionState) -> bool:
        return state.stop or len(state.log_weights) >= self.attempts

    def result(self, run: Run, state: QuasiRejectionState) -> Posterior:
        m, n = len(state.accepted), len(state.log_weights)
        if m < self.samples and run.stopped is None:
            run.stopped = f"{self.attempts} attempts are used up: {m} of {self.samples} samples"
        told = state.log_weights[: n - 1] if state.stop and m > 1 else state.log_weights
        log_z = log_mean_exp(told) if told else -math.inf
        far = divergences(told, self.log_beta) if told else None
        method = f"{self.name}, {self._claim(far, state.log_weights)}"
        posterior = Posterior.of_particles(
            state.accepted, np.full(m, log_z - math.log(m) if m else -math.inf), log_evidence=log_z,
            log_evidence_error=_relative_error(told, log_z), cost=Cost.of(run.meter), method=method, seed=run.seed,
            stopped=run.stopped, info=_info(far, state.log_weights),
        )
        if m == 0 and n >= self.attempts:
            turned_down = n - len(state.dead)
            accept_step = {"the accept step": turned_down} if turned_down else {}
            raise AllParticlesDead(killed_by(state.dead) | accept_step, posterior)
        return posterior

    def _claim(self, far: Divergences | None, log_weights: list[float]) -> str:
        """What the draws are."""
        if far is None:
            return "no proposal was finished"
        if max(log_weights) <= self.log_beta + 1e-9:
            return f"exact if beta bounds all weights (as it did those of {len(log_weights)} proposals)"
        return f"approximate: {far.tv:.3f} ± {far.tv_error:.3f} from the target in total variation"


def _info(far: Divergences | None, log_weights: list[float]) -> dict[str, Any]:
    if far is None:
        return {}
    return {"acceptance": far.acceptance, "tv": far.tv, "tv_error": far.tv_error, "kl": far.kl, "above": far.above,
            "log_weights": log_weights}


def _relative_error(log_weights: list[float], log_z: float) -> float:
    """Standard error of the log of the mean weight, by the delta method."""
    n = len(log_weights)
    if n < 2 or log_z == -math.inf:
        return math.nan
    relative = np.exp(np.array(log_weights) - log_z)
    return float(relative.std(ddof=1)) / math.sqrt(n)
