"""Nested sampling over executions."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steersman.ppl.address import format_address
from steersman.ppl.errors import AllParticlesDead, InvalidWeight
from steersman.ppl.keys import Key
from steersman.ppl.particle import Particle
from steersman.ppl.protocols import Floats
from steersman.ppl.trace import Trace

from .chain import Chain, Tally
from .chain.target import log_likelihood
from .kernels.kernel import Kernel, Move
from .kernels.site import site
from .mcmc import require_changes
from .posterior import Cost, Posterior
from .posterior.killed import killed_by
from .resampling.weights import log_sum_exp, normalise
from .run import Run
from .run.sizes import whole
from .tempering.levels import Above

_WAVES, _SIMULATIONS = 100, 200


@dataclass
class NestedState:
    """live [N]: current points; energy, tie [N]: log L of each, and the uniform that orders equals. attempts: first
    executions made until N lived. gone, gone_energy: the points removed; left: the live points there were when each was
    removed, itself included. t: steps of the moves so far."""

    live: list[Particle] = field(default_factory=list)
    dead: list[Particle] = field(default_factory=list)
    energy: Floats = field(default_factory=lambda: np.empty(0))
    tie: Floats = field(default_factory=lambda: np.empty(0))
    attempts: int = 0
    gone: list[Trace] = field(default_factory=list)
    gone_energy: list[float] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    rounds: int = 0
    over: bool = False


class NestedSampling:
    """N live points climb the likelihood L through the prior, whose mass X above the lowest shrinks at a known rate:

        remove the lowest of n live points:  X' = X (1 - 1/n),  it weighs L (X - X');   Z_hat = sum of all weights

    and at the end every live point weighs L X / N. `batch` points are removed at a time, and replaced by copies of
    others that `steps` moves, constrained to stay above the last one removed, carry away.

    live_points: N. move: must accept or reject (`site`, `suffix`, `block`, `mix` of them ...). tolerance: stop when all
    live points together could weigh at most this fraction of Z_hat, were they all as good as the best. If the moved
    points were independent draws Z_hat would be unbiased, also at plateaus of L, which are ordinary where choices are
    discrete: equal likelihoods are ordered by an auxiliary uniform. So take enough `steps`. Executions that die count
    as prior mass without likelihood. The error of log Z_hat is its spread over simulated shrinkages (it knows nothing
    of moves that are stuck); posterior.info has the "information" (nats from prior to posterior), "rounds", and the
    "acceptance" of the moves.

    Raises InvalidWeight where a site has a proposal: the live points must be draws from the prior. Source: Skilling
    2006, "Nested sampling for general Bayesian computation"; the unbiased rate: Walter 2017, "Point process-based Monte
    Carlo estimation"; ties: Skilling 2006, section 4, and Fowlie, Handley & Su 2020. Cost: N executions, then `batch`
    `steps` moves a round, information N / `batch` rounds and some more.
    """

    def __init__(
        self, live_points: int, move: Kernel | None = None, *, steps: int = 20, batch: int | None = None,
        tolerance: float = 1e-3,
    ) -> None:
        batch = max(1, live_points // 4) if batch is None else batch
        whole("NestedSampling", live_points=live_points, steps=steps, batch=batch)
        if not batch < live_points:
            raise ValueError(f"NestedSampling: batch={batch} must be smaller than live_points={live_points}: "
                             "those that are removed are replaced by copies of others")
        if not 0.0 < tolerance < 1.0:
            raise ValueError(f"NestedSampling(tolerance={tolerance}): expected a fraction of Z between 0 and 1")
        self.kernel = site() if move is None else move
        if not isinstance(self.kernel, Kernel) or not all(isinstance(part, Move) for part in self.kernel.parts()):
            raise TypeError(f"NestedSampling: {self.kernel!r} is no move that accepts or rejects, such as suffix(): "
                            "only such a move can be kept above a level")
        self.live_points, self.steps, self.batch, self.tolerance = live_points, steps, batch, tolerance

    @property
    def name(self) -> str:
        return f"NestedSampling({self.live_points})"

    def init(self, run: Run) -> NestedState:
        return NestedState()

    async def step(self, run: Run, state: NestedState) -> tuple[NestedState, dict[str, Any]]:
        """Remove the lowest points and replace them. A step that is stopped half-way has not happened."""
        if not state.live:
            await self._populate(run, state)
        order = np.lexsort((state.tie, state.energy))
        lowest, others = order[: self.batch], order[self.batch :]
        level = Above(float(state.energy[lowest[-1]]), float(state.tie[lowest[-1]]))
        new = await self._replace(run, state, [state.live[i] for i in others], level)
        for j, i in enumerate(lowest):
            state.gone.append(state.live[i].partial_trace())
            state.gone_energy.append(float(state.energy[i]))
            state.left.append(self.live_points - j)
            state.live[i] = new[j]
            state.energy[i] = log_likelihood(new[j].partial_trace())
            state.tie[i] = level.draw_tie(state.energy[i], run.key.fold(0, 1, state.rounds, j).uniform())
        state.rounds += 1
        log_w = self._log_weights(state)
        gone, live = log_sum_exp(log_w[: -self.live_points]), float(log_w[-self.live_points :].max())
        remaining = live + math.log(self.live_points) - gone
        state.over = remaining < math.log(self.tolerance)
        return state, {"done": state.rounds, "total": None, "note": f"{remaining:.1f} nats of log Z to go,"}

    def done(self, state: NestedState) -> bool:
        return state.over

    async def _populate(self, run: Run, state: NestedState) -> None:
        """Executions in waves until N have lived; those after the N-th are not counted."""
        found: list[Particle] = []
        for wave in range(_WAVES):
            particles = run.spawn(range(self.live_points))
            await run.advance(particles, key=run.key.fold(0, 0, wave))
            for p in particles:
                state.attempts += 1
                (state.dead if p.dead else found).append(p)
                if len(found) == self.live_points:
                    break
            if len(found) == self.live_points:
                break
        else:
            raise AllParticlesDead(killed_by(state.dead), self._posterior(run, state, np.empty(0)))
        require_changes(self.kernel, [p.partial_trace() for p in found])
        for p in found:
            _require_prior(p)
        state.live = found
        state.energy = np.array([log_likelihood(p.partial_trace()) for p in found])
        state.tie = run.key.fold(0, 2).uniforms(self.live_points)

    async def _replace(self, run: Run, state: NestedState, others: list[Particle], level: Above) -> list[Particle]:
        """Copies of others, moved above the level."""
        key = run.key.fold(0, 3, state.rounds)
        picks = (key.uniforms(self.batch) * len(others)).astype(np.int64)
        chains = [Chain(run, slot, others[i], level) for slot, i in enumerate(picks)]
        for s in range(self.steps):
            for chain in chains:
                chain.begin_step(state.rounds * self.steps + s + 1)
            await self.kernel.step_all(chains)
        for chain in chains:
            state.tally.add(chain.tally)
        return [chain.particle for chain in chains]

    def _log_volumes(self, state: NestedState, log_shrinkage: Floats) -> Floats:
        """log of the prior mass of every point, removed or live, given log X'/X of every removal."""
        before = np.concatenate([[0.0], np.cumsum(log_shrinkage)])
        removed = before[:-1] + np.log(-np.expm1(log_shrinkage))
        live = np.full(len(state.live), before[-1] - math.log(max(1, len(state.live))))
        volumes: Floats = np.concatenate([removed, live])
        return volumes

    def _energies(self, state: NestedState) -> Floats:
        return np.concatenate([state.gone_energy, state.energy])

    def _log_weights(self, state: NestedState) -> Floats:
        log_w: Floats = self._log_volumes(state, np.log1p(-1.0 / np.array(state.left, np.float64)))
        return log_w + self._energies(state) + self._log_alive(state)

    def _log_alive(self, state: NestedState) -> float:
        """log of the prior mass that does not die, estimated without bias: (N - 1) / (attempts - 1)."""
        N, m = self.live_points, state.attempts
        return math.log((N - 1) / (m - 1)) if m > N else 0.0

    def _error(self, state: NestedState, key: Key) -> float:
        """The spread of log Zhat over shrinkages X'/X ~ Beta(n, 1), and of the mass that lives."""
        n, E = np.array(state.left, np.float64), self._energies(state)
        log_u = np.log(key.uniforms(_SIMULATIONS * len(n)).reshape(_SIMULATIONS, len(n)))
        spread = np.std([log_sum_exp(self._log_volumes(state, row / n) + E) for row in log_u], ddof=1)
        return math.hypot(spread, math.sqrt(-math.expm1(self._log_alive(state)) / self.live_points))

    def result(self, run: Run, state: NestedState) -> Posterior:
        return self._posterior(run, state, self._log_weights(state) if state.live else np.empty(0))

    def _posterior(self, run: Run, state: NestedState, log_w: Floats) -> Posterior:
        info: dict[str, Any] = {"rounds": state.rounds, "acceptance": state.tally.acceptance()}
        if len(log_w):
            log_z_alive = log_sum_exp(log_w) - self._log_alive(state)
            info["information"] = float(normalise(log_w) @ self._energies(state)) - log_z_alive
        return Posterior(
            [*state.gone, *(p.trace for p in state.live)], log_w, log_sum_exp(log_w),
            self._error(state, run.key.fold(0, 4)) if state.over else math.nan, Cost.of(run.meter), self.name, run.seed,
            stopped=run.stopped, info=info,
        )


def _require_prior(particle: Particle) -> None:
    for address, s in particle.partial_trace().choice_sites().items():
        if not math.isclose(s.log_p, s.log_q, rel_tol=1e-9, abs_tol=1e-9):
            raise InvalidWeight(f"NestedSampling starts from the prior, but {format_address(address)!r} is drawn from "
                                "a proposal: leave it out, or use TemperedSMC")
