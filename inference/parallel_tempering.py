"""Parallel tempering (replica exchange)."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steersman.ppl.particle import Particle
from steersman.ppl.protocols import Floats

from .chain import Chain, Tally
from .chain.chains import Chains
from .chain.start import Start, start_chains
from .chain.target import Tempered, log_likelihood
from .evidence.stepping_stones import Stones, execution_weights, stepping_stones
from .kernels.kernel import Kernel
from .kernels.site import site
from .mcmc import MCMC, MCMCState
from .posterior import Posterior
from .run import Run


@dataclass
class TemperingState(MCMCState):
    """chains: C K replicas, those of one ladder side by side. replica [C, K]: which replica is at each temperature.
    ends [C, K]: the end of the ladder that each replica has last seen, 0 for none, 1 for hot, 2 for cold. trips: how
    often one has gone from hot to cold and back. log_w: the weights of the first executions, energies: the
    log-likelihoods [C, K] of every step; where the ladder begins at 0."""

    replica: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 0), np.int64))
    ends: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 0), np.int64))
    trips: int = 0
    swaps: Tally = field(default_factory=Tally)
    energies: list[Floats] = field(default_factory=list)
    log_w: Floats | None = None


class ParallelTempering(MCMC):
    """C ladders of K replicas; the one at beta_k leaves pi_k(x) ~ prior(x) L(x)^beta_k invariant, and neighbours swap
    their executions with probability

        alpha = min(1, exp((beta_j - beta_i)(E_i - E_j))),    E = log L

    at even steps the pairs (0, 1), (2, 3), ..., at odd ones (1, 2), (3, 4), ...: so replicas travel up and down the
    ladder instead of diffusing. Only the executions at beta = 1 are kept.

        infer(puzzle(lm), ParallelTempering(ladder(6), 1000, suffix()))

    betas: the inverse temperatures, 1 among them (see `ladder`). move: what each replica does between swaps. chains: C.
    names: temper only the factors and observations of these names. steps, warmup, thin, init: as in `MCMC`.
    posterior.info has the "betas", the "swap acceptance" of each pair of neighbours and the "round trips" between the
    ends of the ladder. With 0 in the ladder log Z is estimated by stepping stones (see `stepping_stones`; consistent,
    not unbiased), its error from the spread over the ladders, where there are several; otherwise both are nan.

    Source: Geyer 1991; the scheme of swaps and the round trips: Syed, Bouchard-Côté, Deligiannidis & Doucet 2022,
    "Non-reversible parallel tempering: a scalable highly parallel MCMC scheme". Cost: C K moves at each step.
    """

    def __init__(
        self, betas: Sequence[float], steps: int, move: Kernel | None = None, *, chains: int = 4,
        names: Collection[Hashable] | None = None, warmup: int | None = None, thin: int = 1, init: Start = "prior",
    ) -> None:
        super().__init__(site() if move is None else move, chains, steps, warmup=warmup, thin=thin, init=init)
        self.betas = sorted(float(b) for b in betas)
        if len(set(self.betas)) != len(self.betas) or len(self.betas) < 2:
            raise ValueError(f"{type(self).__name__}(betas={list(betas)}): give two or more, all different")
        if self.betas[-1] != 1.0 or not all(b >= 0.0 for b in self.betas):
            raise ValueError(f"{type(self).__name__}(betas={list(betas)}): they run from 0 or more up to 1.0")
        self.names = None if names is None else frozenset(names)

    @property
    def name(self) -> str:
        return f"ParallelTempering({len(self.betas)}, {self.steps})"

    def init(self, run: Run) -> TemperingState:
        return TemperingState()

    async def step(self, run: Run, state: MCMCState) -> tuple[MCMCState, dict[str, Any]]:
        """One move of every replica, then the swaps of one set of pairs."""
        assert isinstance(state, TemperingState)
        state, info = await super().step(run, state)
        assert isinstance(state, TemperingState)
        self._swap(state)
        return state, info

    async def _start(self, run: Run, state: MCMCState) -> None:
        assert isinstance(state, TemperingState)
        C, K = self.chains, len(self.betas)
        if self.betas[0] == 0.0:
            state.log_w = await execution_weights(run, C * K, self.names)
        await super()._start(run, state)
        state.kept = [[] for _ in range(C)]
        state.replica, state.ends = np.tile(np.arange(K), (C, 1)), np.zeros((C, K), np.int64)

    async def _first(self, run: Run) -> list[Particle]:
        return await start_chains(run, self.init_from, self.chains * len(self.betas))

    def _chain(self, run: Run, slot: int, particle: Particle) -> Chain:
        return Chain(run, slot, particle, Tempered(self.betas[slot % len(self.betas)], self.names))

    @property
    def _independent(self) -> bool:
        return False  # the replicas swap after every step

    def _keep(self, state: MCMCState) -> None:
        for kept, ladder in zip(state.kept, self._ladders(state), strict=True):
            kept.append(ladder[-1].trace)

    def _ladders(self, state: MCMCState) -> list[list[Chain]]:
        K = len(self.betas)
        return [state.chains[i : i + K] for i in range(0, len(state.chains), K)]

    def _swap(self, state: TemperingState) -> None:
        """Exchange executions between neighbours: the even pairs or the odd ones, in turn."""
        E = np.array([[log_likelihood(c.trace, self.names) for c in ladder] for ladder in self._ladders(state)])
        if state.log_w is not None and state.t > self.warmup:
            state.energies.append(E)
        for c, ladder in enumerate(self._ladders(state)):
            for k in range(state.t % 2, len(ladder) - 1, 2):
                hot, cold = ladder[k], ladder[k + 1]
                swapped = hot.accepts(self._log_alpha(k, float(E[c, k]), float(E[c, k + 1])))
                if swapped:
                    self._exchange(hot, cold)
                    state.replica[c, [k, k + 1]] = state.replica[c, [k + 1, k]]
                if state.t > self.warmup:
                    state.swaps.count(self._pair(k), swapped)
            self._travel(state, c)

    def _log_alpha(self, k: int, E_hot: float, E_cold: float) -> float:
        return (self.betas[k + 1] - self.betas[k]) * (E_hot - E_cold)

    def _exchange(self, hot: Chain, cold: Chain) -> None:
        hot.particle, cold.particle = cold.particle, hot.particle

    def _travel(self, state: TemperingState, c: int) -> None:
        """Note which replicas are at the ends of a ladder, and whether one has come back."""
        hot, cold = state.replica[c, 0], state.replica[c, -1]
        if state.ends[c, hot] == 2 and state.t > self.warmup:
            state.trips += 1
        state.ends[c, hot] = 1
        if state.ends[c, cold] == 1:
            state.ends[c, cold] = 2

    def _pair(self, k: int) -> str:
        return f"swap({self.betas[k]:g}, {self.betas[k + 1]:g})"

    def result(self, run: Run, state: MCMCState) -> Posterior:
        assert isinstance(state, TemperingState)
        posterior = super().result(run, state)
        tally = Tally()
        for ladder in self._ladders(state):
            tally.add(ladder[-1].tally)
        pairs = [self._pair(k) for k in range(len(self.betas) - 1)]
        info = {
            "betas": self.betas,
            "swap acceptance": [state.swaps.accepted[p] / max(1, state.swaps.tried[p]) for p in pairs],
            "round trips": state.trips,
        }
        stones = self._stones(state)
        log_z = 0.0 if math.isnan(stones.log_z) else stones.log_z
        draws = posterior.chains.draws if posterior.chains is not None else 0
        tally.add(state.swaps)
        return replace(
            posterior, chains=Chains(len(state.kept), draws, tally, self.claim), info=info,
            log_evidence=stones.log_z, log_evidence_error=stones.error, log_weights=posterior.log_weights + log_z,
        )

    def _stones(self, state: TemperingState) -> Stones:
        if state.log_w is None or not state.energies:
            return Stones(math.nan, math.nan)
        return stepping_stones(self.betas, np.array(state.energies), state.log_w)
