"""Bounds on log Z from both sides, where draws from the posterior are at hand."""

from __future__ import annotations

import math
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from steersman.ppl.effects import Invocation
from steersman.ppl.keys import Key
from steersman.ppl.program import as_invocation
from steersman.ppl.trace import Trace

from ..posterior import Cost, Posterior
from ..run import Run
from ..run.schedule import run_together
from ..run.sizes import whole
from .reverse import Sampler, as_sampler, forward, reverse

_IN_MEMORY = 256
"""How many executions are under way at once."""


@dataclass(frozen=True)
class Bounds:
    """lower <= log Z <= upper in expectation (nats): the mean of log Zhat over `runs` forward and as many reverse runs,
    each with its standard error."""

    lower: float
    lower_error: float
    upper: float
    upper_error: float
    runs: int
    cost: Cost

    @property
    def gap(self) -> float:
        """upper - lower: KL(forward || reverse) + KL(reverse || forward), see `sandwich`."""
        return self.upper - self.lower

    @property
    def gap_error(self) -> float:
        """The standard error of the gap."""
        return math.hypot(self.lower_error, self.upper_error)

    def __str__(self) -> str:
        return (f"{self.lower:.3f} ± {self.lower_error:.3f} <= log Z <= {self.upper:.3f} ± {self.upper_error:.3f} "
                f"(gap {self.gap:.3f} ± {self.gap_error:.3f} nats, {self.runs} runs each way)")


def sandwich(
    program: Any, method: Sampler, posterior: Posterior, *, runs: int = 100, seed: int = 0
) -> Bounds:
    """Stochastic lower and upper bounds on log Z from a sampler, `Importance(N)` or `SMC(N)`, run in both directions:

        forward: run it as it is                               E log Zhat = log Z - KL(forward || reverse) <= log Z
        reverse: draw x from the posterior and run it with x
                 as one of its N particles                     E log Zhat = log Z + KL(reverse || forward) >= log Z

    for whatever a run draws has under the reverse law Zhat / Z times its probability under the forward law. The gap
    between the bounds is the symmetrised KL divergence of the two laws, and so at least that of the posterior and one
    draw from the sampler's result: a small gap proves that the sampler is good, which its own error bar cannot. Both
    bounds tighten as N grows.

    program: a program call. posterior: of the same program, for its draws. Where these are exact (`Enumerate`,
    `Rejection`) the upper bound is one; draws by MCMC or SMC give it as well as they represent the posterior. runs: of
    each kind. SMC resamples multinomially, at every stop, whatever it is given: conditional SMC is the reverse of just
    that. The lower bound is -inf when all particles of a run have died.

    Raises ValueError (UnknownAddress where a choice is missing) when a draw of the posterior is no execution of the
    program, or none that its proposals can draw; TypeError for other methods. Source: Grosse, Ghahramani & Adams 2015,
    "Sandwiching the marginal likelihood using bidirectional Monte Carlo", sections 3 and 4; Cusumano-Towner &
    Mansinghka 2017, "AIDE: an algorithm for measuring the accuracy of probabilistic inference algorithms", section 3.
    Cost: two runs of the method for each of `runs`.
    """
    whole("sandwich", runs=runs)
    if runs < 2:
        raise ValueError("sandwich: one run tells no standard error; runs must be at least 2")
    method, model, key = as_sampler(method), as_invocation(program), Key(seed)
    started = time.perf_counter()
    forth = [Run(model, key.fold(1, r)) for r in range(runs)]
    back = [Run(model, key.fold(2, r)) for r in range(runs)]
    traces = _draw(posterior, model, runs, key.fold(3))
    together = max(1, _IN_MEMORY // method.particles)
    lower = _in_turn([forward(run, method) for run in forth], together)
    upper = _in_turn([reverse(run, method, trace) for run, trace in zip(back, traces, strict=True)], together)
    meters = [run.meter for run in (*forth, *back)]
    tokens, calls, rewards = (sum(getattr(m, what) for m in meters) for what in ("tokens", "calls", "rewards"))
    cost = Cost(tokens, calls, rewards, time.perf_counter() - started)
    return Bounds(*_mean(lower), *_mean(upper), runs, cost)


def _draw(posterior: Posterior, model: Invocation[Any], k: int, key: Key) -> list[Trace]:
    """k traces by weight, with replacement."""
    if posterior.chains is not None and posterior.chains.optimises:
        raise ValueError(f"sandwich: {posterior.method} was annealed: its states are no draws from the posterior")
    weighted = posterior.weighted_traces()
    ends = np.cumsum([w for w, _ in weighted])
    return [weighted[i][1] for i in np.searchsorted(ends, key.uniforms(k) * ends[-1], side="right")]


def _in_turn(coroutines: Sequence[Coroutine[Any, None, float]], together: int) -> list[float]:
    """The results of all, so many at a time."""
    groups = [coroutines[i : i + together] for i in range(0, len(coroutines), together)]
    return [x for group in groups for x in run_together(group)]


def _mean(log_z: Sequence[float]) -> tuple[float, float]:
    """The mean and its standard error; (-inf, nan) where a run has died."""
    if -math.inf in log_z:
        return -math.inf, math.nan
    return float(np.mean(log_z)), float(np.std(log_z, ddof=1)) / math.sqrt(len(log_z))
