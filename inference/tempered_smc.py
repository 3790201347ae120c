"""SMC samplers over whole executions: from the prior to the posterior by tempering."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steersman.ppl.errors import AllParticlesDead
from steersman.ppl.particle import Particle
from steersman.ppl.protocols import Floats

from .chain import Chain, Tally
from .chain.target import Tempered, log_likelihood
from .diagnostics.variance import run_error
from .kernels.kernel import Kernel
from .kernels.site import site
from .mcmc import require_changes
from .posterior import Cost, Posterior
from .posterior.genealogy import Genealogy
from .posterior.history import History
from .posterior.killed import killed_by
from .resampling import Ancestry, Resampler, adaptive, get_resampler
from .resampling.weights import ess as effective
from .resampling.weights import log_sum_exp, normalise
from .run import Run
from .run.sizes import whole
from .tempering.temperatures import next_beta, schedule


@dataclass
class TemperedState:
    """particles [N], weighted for the target at beta: log_w [N] (empty before they have run; exp sums to about one just
    after resampling). energy [N]: log L of each. log_z: log of what resampling has normalised away. ancestry,
    acceptance: how this population was born and moved. stages: what the posterior tells of each. t: steps of the kernel
    so far."""

    particles: list[Particle]
    beta: float = 0.0
    log_w: Floats = field(default_factory=lambda: np.empty(0))
    energy: Floats = field(default_factory=lambda: np.empty(0))
    log_z: float = 0.0
    ancestry: Ancestry | None = None
    acceptance: dict[str, float] = field(default_factory=dict)
    genealogy: Genealogy = field(default_factory=Genealogy)
    history: History = field(default_factory=History)
    stages: list[dict[str, Any]] = field(default_factory=list)
    t: int = 0


class TemperedSMC:
    """N executions of the program, tempered from pi_0 = prior to pi_1 = posterior, pi_beta(x) ~ prior(x) L(x)^beta:

        start: w_i = p(x_i) / q(x_i) / N   (0 for dead executions), L left out
        until beta = 1:  choose beta' > beta;  w_i <- w_i L(x_i)^(beta' - beta)
                         if beta' < 1:  Z_hat <- Z_hat sum_i w_i,  resample by W, children carry 1/N, each is moved by
                         `steps` applications of a kernel that leaves pi_beta' invariant
        at the end Z_hat <- Z_hat sum_i w_i.

    Conditions stay hard at all temperatures. particles: N. move: the kernel. steps: its applications at each stage.
    ess: beta' is where the conditional ESS, N (sum W g)^2 / sum W g^2 of the increments g, falls to this fraction of N.
    betas: a fixed schedule instead, ending at 1; then Z_hat is unbiased, E[Z_hat] = Z (an adaptive one is consistent,
    its bias of order 1/N), and populations are resampled only where their ESS has fallen below `ess` N. waste_free:
    only M = N / (steps + 1) ancestors are drawn, and all steps + 1 states of their chains are kept, instead of the last
    ones of N chains. names: temper only the factors and observations of these names; the others count from the start.
    resample: as in `SMC`.

    The posterior's error of log Z is that of the genealogy, as for `SMC`. posterior.info["stages"] tells for each
    stage its beta, the ESS there and the acceptance rates of the moves before it.

    Source: Del Moral, Doucet & Jasra 2006, "Sequential Monte Carlo samplers"; Chopin & Papaspiliopoulos 2020, chapter
    17; Dau & Chopin 2022, "Waste-free sequential Monte Carlo"; conditional ESS: Zhou, Johansen & Aston 2016. Cost: N
    executions, and N `steps` moves at each stage (N - M of them if waste-free).
    """

    def __init__(
        self, particles: int, move: Kernel | None = None, *, steps: int = 3, ess: float = 0.5,
        betas: Sequence[float] | None = None, waste_free: bool = False, names: Collection[Hashable] | None = None,
        resample: str | Resampler = "ssp",
    ) -> None:
        whole("TemperedSMC", particles=particles, steps=steps)
        if not (0.0 < ess < 1.0 or (betas is not None and ess in (0.0, 1.0))):
            raise ValueError(f"TemperedSMC(ess={ess}): expected a fraction of the population between 0 and 1")
        if waste_free and particles % (steps + 1):
            raise ValueError(f"TemperedSMC: waste_free needs particles={particles} to be a multiple of steps + 1 = "
                             f"{steps + 1}, the states that each chain contributes")
        self.kernel = site() if move is None else move
        if not isinstance(self.kernel, Kernel):
            raise TypeError(f"TemperedSMC: expected a move or kernel, such as suffix() or site('x'), got {move!r}")
        self.particles, self.steps, self.ess, self.waste_free = particles, steps, ess, waste_free
        self.betas = None if betas is None else schedule(betas)
        self.names = None if names is None else frozenset(names)
        scheme = get_resampler(resample)
        self.resample = scheme if self.betas is None else adaptive(scheme, ess)

    @property
    def name(self) -> str:
        return f"TemperedSMC({self.particles}{', waste_free=True' if self.waste_free else ''})"

    def init(self, run: Run) -> TemperedState:
        return TemperedState(run.spawn(range(self.particles)))

    async def step(self, run: Run, state: TemperedState) -> tuple[TemperedState, dict[str, Any]]:
        """One stage: to the next temperature, and moves there. A stage that is stopped half-way has not happened."""
        if not len(state.log_w):
            await self._execute(run, state)
        beta = self._next_beta(state)
        log_w = self._weigh(state, beta)
        born = await self._move(run, state, beta, log_w) if beta < 1.0 else None
        parents = None if state.ancestry is None else state.ancestry.index.tolist()
        state.history.append(state.particles, parents, range(len(log_w)))
        state.genealogy.append(log_w, state.ancestry, log_z=state.log_z)
        state.stages.append({"beta": beta, "ess": effective(log_weights=log_w), "acceptance": state.acceptance})
        state.beta, state.log_w = beta, log_w
        if born is not None:
            self._succeed(state, *born)
        return state, {"done": 100 * beta, "total": 100, "note": f"beta {beta:.3g},"}

    def done(self, state: TemperedState) -> bool:
        return state.beta >= 1.0

    async def _execute(self, run: Run, state: TemperedState) -> None:
        await run.advance(state.particles, key=run.key.fold(0, 0))
        state.energy = self._energies(state.particles)
        state.log_w = np.array([p.log_weight for p in state.particles]) - state.energy - math.log(self.particles)
        if log_sum_exp(state.log_w) == -math.inf:
            raise AllParticlesDead(killed_by(state.particles), self._posterior(run, state, state.log_w))

    def _next_beta(self, state: TemperedState) -> float:
        if self.betas is not None:
            return self.betas[len(state.stages)]
        return next_beta(state.beta, normalise(state.log_w), state.energy, self.ess)

    def _weigh(self, state: TemperedState, beta: float) -> Floats:
        """The log-weights of the population for the target at another temperature."""
        log_w: Floats = state.log_w + (beta - state.beta) * state.energy
        return log_w

    def _energies(self, particles: list[Particle]) -> Floats:
        """log L of each; 0 for dead ones, whose weight is 0 anyway."""
        return np.array([0.0 if p.trace is None else log_likelihood(p.trace, self.names) for p in particles])

    async def _move(
        self, run: Run, state: TemperedState, beta: float, log_w: Floats
    ) -> tuple[list[Particle], Ancestry, dict[str, float]]:
        """Resample and move: the new population, how it was born, and the acceptance rates."""
        length = self.steps + 1 if self.waste_free else 1  # states that a chain contributes
        ancestry = self.resample(normalise(log_w), self.particles // length, run.key.fold(0, 1, len(state.stages)))
        parents = [state.particles[i] for i in ancestry.index]
        target = Tempered(beta, self.names)
        chains = [self._chain(run, slot, p, target) for slot, p in enumerate(parents)]
        alive = [c for c in chains if not c.particle.dead]
        if not state.t:
            require_changes(self.kernel, [c.trace for c in alive])
        states = [[c.particle] for c in chains]
        for s in range(self.steps):
            for chain in alive:
                chain.begin_step(state.t + s + 1)
            await self.kernel.step_all(alive)
            for kept, chain in zip(states, chains, strict=True):
                kept.append(chain.particle)
        population = [p for kept in states for p in kept[-length:]]
        born = Ancestry(np.repeat(ancestry.index, length), np.repeat(ancestry.weights, length) / length,
                        ancestry.resampled)
        tally = Tally()
        for chain in chains:
            tally.add(chain.tally)
        return population, born, tally.acceptance()

    def _chain(self, run: Run, slot: int, particle: Particle, target: Tempered) -> Chain:
        return Chain(run, slot, particle, target)

    def _succeed(
        self, state: TemperedState, population: list[Particle], ancestry: Ancestry, acceptance: dict[str, float]
    ) -> None:
        """The next generation takes over."""
        state.log_z += log_sum_exp(state.log_w)
        state.particles, state.ancestry, state.acceptance = population, ancestry, acceptance
        with np.errstate(divide="ignore"):  # the dead, where a balanced population was left alone
            state.log_w = np.log(ancestry.weights)
        state.energy = self._energies(population)
        state.t += self.steps

    def result(self, run: Run, state: TemperedState) -> Posterior:
        if not len(state.log_w):  # stopped during the first executions
            log_w = np.array([p.log_weight for p in state.particles]) - math.log(self.particles)
        else:  # stopped on the way, the population is weighted for the posterior all the same
            log_w = self._weigh(state, 1.0)
        return self._posterior(run, state, log_w)

    def _posterior(self, run: Run, state: TemperedState, log_w: Floats) -> Posterior:
        return Posterior.of_particles(
            state.particles, log_w + state.log_z, cost=Cost.of(run.meter), method=self.name, seed=run.seed,
            log_evidence_error=run_error(state.genealogy) if self.done(state) else math.nan,
            genealogy=state.genealogy, history=state.history, stopped=run.stopped, info={"stages": list(state.stages)},
        )
