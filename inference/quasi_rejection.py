"""Quasi-rejection sampling."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .diagnostics.divergences import Divergences, divergences
from .draws.attempts import Attempts
from .draws.proposed import Proposed
from .posterior import Posterior
from .resampling.weights import log_mean_exp
from .run import Run
from .run.sizes import whole


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

    def init(self, run: Run) -> Attempts:
        run.key = run.new_key()
        return Attempts(self.attempts, self.batch, self.proposed, samples=self.samples, log_bound=self.log_beta)

    async def step(self, run: Run, state: Attempts) -> tuple[Attempts, dict[str, Any]]:
        return state, await state.step(run)

    def done(self, state: Attempts) -> bool:
        return state.done

    def result(self, run: Run, state: Attempts) -> Posterior:
        told = state.log_weights[:-1] if state.met and len(state.accepted) > 1 else state.log_weights
        log_z = log_mean_exp(told) if told else -math.inf
        far = divergences(told, self.log_beta) if told else None
        method = f"{self.name}, {self._claim(far, state.log_weights)}"
        return state.posterior(run, log_z, _relative_error(told, log_z), method, _info(far, state.log_weights))

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
