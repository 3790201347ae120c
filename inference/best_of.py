"""The best of n executions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from steersman.ppl.errors import AllParticlesDead
from steersman.ppl.protocols import Floats

from .draws.waves import Draws
from .posterior import Cost, Posterior
from .posterior.killed import killed_by
from .resampling.weights import log_sum_exp
from .run import Run
from .run.sizes import whole


class BestOf:
    """Best-of-n: of n independent executions the one of the largest weight, ties broken at random.

    The program is the one that other methods tilt: its factors are the reward (only their order counts), and n takes
    the place of their scale. draws: how many executions are made, n by default, which gives one of weight 1. More of
    them give the law of the best of n itself: draw i weighs the probability that it is the best of n of the draws,
    chosen without replacement, so that

        E[sum_i W_i f(x_i)] = E f(best of n)          for every f, exactly, whatever `draws`

    Where a condition may kill all n, the law has the mass P(not all die): that, and not the evidence of the program, is
    what `log_evidence` estimates, 0 without conditions. Factors are compared at the end, together with log p - log q of
    the program's own proposals: a reward that is to rank the draws of the model needs a program without proposals.
    batch: executions in memory at once; it does not change the result. Stopped by a budget before n executions are
    finished, the result is the best of those, and says so.

    Source of the estimate: Nakano et al. 2021, "WebGPT: browser-assisted question-answering with human feedback",
    appendix I; of the law: `models.rewards.best_of_n_log_prob`. Cost: `draws` executions.
    """

    def __init__(self, n: int, *, draws: int | None = None, batch: int | None = None) -> None:
        self.draws = n if draws is None else draws
        whole("BestOf", n=n, draws=self.draws, batch=1 if batch is None else batch)
        if self.draws < n:
            raise ValueError(f"BestOf: the best of {n} needs at least draws={n}, got draws={draws}")
        self.n, self.batch = n, min(self.draws, 256) if batch is None else batch

    @property
    def name(self) -> str:
        return f"BestOf({self.n}, draws={self.draws})"

    def init(self, run: Run) -> Draws:
        run.key = run.new_key()
        return Draws(self.draws, self.batch)

    async def step(self, run: Run, state: Draws) -> tuple[Draws, dict[str, Any]]:
        return state, await state.step(run)

    def done(self, state: Draws) -> bool:
        return state.done

    def result(self, run: Run, state: Draws) -> Posterior:
        particles = state.finished or state.wave
        done = np.array([p.done for p in particles], np.bool_)
        alive = np.array([p.done and not p.dead for p in particles], np.bool_)
        n = min(self.n, int(done.sum()))
        if n < self.n:
            run.stopped = f"{run.stopped}; the best of {n}, not of {self.n}"
        log_w = np.full(len(particles), -np.inf)
        if n:
            log_w[done] = log_shares([p.log_weight for p in particles if p.done], n)
        log_w[~alive] = -np.inf
        log_z = log_sum_exp(log_w)
        posterior = Posterior.of_particles(
            particles, log_w, log_evidence_error=_error(n, int(done.sum()), int(alive.sum()), log_z),
            cost=Cost.of(run.meter), method=self.name, seed=run.seed, stopped=run.stopped,
        )
        if done.all() and not alive.any():
            raise AllParticlesDead(killed_by(particles), posterior)
        return posterior


def log_shares(scores: ArrayLike, n: int) -> Floats:
    """log of the probability that each of m draws is the best of n of them, chosen without replacement, [m]:

        [C(b, n) - C(a, n)] / C(m, n) / (b - a)

    where a draws score less than it and b at most as much: the b - a that tie share alike. n is at most m.
    """
    s = np.asarray(scores, np.float64)
    m, order = len(s), np.sort(s)
    a, b = np.searchsorted(order, s, "left"), np.searchsorted(order, s, "right")
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, m + 1)))])

    def log_ways(k: Any) -> Any:
        """log C(k, n)."""
        enough = np.maximum(k, n)
        ways = log_factorial[enough] - log_factorial[n] - log_factorial[enough - n]
        return np.where(k >= n, ways, -np.inf)

    high = log_ways(b)
    possible = high > -np.inf
    fewer = np.where(possible, log_ways(a) - np.where(possible, high, 0.0), -np.inf)
    shares: Floats = high + np.log1p(-np.exp(fewer)) - np.log(b - a) - log_ways(m)
    return shares


def _error(n: int, draws: int, alive: int, log_z: float) -> float:
    """The delta method for 1 - P(dead)^n; nan where nothing is alive."""
    if alive == 0:
        return math.nan
    d = 1 - alive / draws
    return n * d ** (n - 1) * math.sqrt(d * (1 - d) / draws) * math.exp(-log_z)
