"""Rejection sampling."""

from __future__ import annotations

import math
from typing import Any

from steersman.ppl.errors import InvalidWeight

from .draws.attempts import Attempts
from .posterior import Posterior
from .run import Run
from .run.sizes import whole


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

    def init(self, run: Run) -> Attempts:
        run.key = run.new_key()
        return Attempts(self.attempts, self.batch, samples=self.samples, log_bound=self.log_bound)

    async def step(self, run: Run, state: Attempts) -> tuple[Attempts, dict[str, Any]]:
        tried = len(state.log_weights)
        info = await state.step(run)
        for log_w in state.log_weights[tried:]:
            if log_w > self.log_bound + 1e-9:
                raise InvalidWeight(
                    f"Rejection: an execution has log-weight {log_w:.4g}, above log_bound={self.log_bound:.4g}: "
                    "set log_bound to an upper bound of the sum of factors, observations and log p - log q of proposals"
                )
        return state, info

    def done(self, state: Attempts) -> bool:
        return state.done

    def result(self, run: Run, state: Attempts) -> Posterior:
        m, n = len(state.accepted), len(state.log_weights)
        met = state.met and m > 1
        rate = (m - 1) / (n - 1) if met else m / n if n else math.nan
        error = math.sqrt((1 - rate) / max(m - met, 1)) if rate > 0 else math.nan
        log_z = self.log_bound + (math.log(rate) if rate > 0 else -math.inf)
        return state.posterior(run, log_z, error, self.name)
