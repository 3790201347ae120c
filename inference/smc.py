"""Sequential Monte Carlo."""

from __future__ import annotations

import math
import warnings
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steersman.ppl.effects import Invocation
from steersman.ppl.errors import AllParticlesDead
from steersman.ppl.guided import guided
from steersman.ppl.particle import Particle

from .chain import Tally
from .diagnostics.variance import run_error
from .kernels.kernel import Kernel
from .population.offspring import copies, offspring
from .population.rejuvenate import movable, rejuvenate
from .population.stops import StopSpec, barrier
from .posterior import Cost, Posterior
from .posterior.genealogy import Genealogy
from .posterior.history import History
from .posterior.killed import killed_by
from .resampling import Ancestry, Resampler, adaptive, get_resampler
from .resampling.weights import log_sum_exp, normalise
from .run import Run
from .run.sizes import whole


@dataclass
class SMCState:
    """particles [N] with log_weight log w (w sums to about one just after resampling); log_z: log of the product of
    the sums that resampling has normalised away; ancestry: how this generation was born; met: the names of
    `resample_at` that particles have stopped at; moves: how the moves of `rejuvenate` fared; history: what the
    particles did; moved: the slots whose past moves have replaced since that was last recorded; error: that of log Z,
    where resampling has ended the run."""

    particles: list[Particle]
    log_z: float = 0.0
    ancestry: Ancestry | None = None
    genealogy: Genealogy = field(default_factory=Genealogy)
    met: set[Hashable] = field(default_factory=set)
    moves: Tally = field(default_factory=Tally)
    history: History = field(default_factory=History)
    moved: frozenset[int] = frozenset()
    error: float | None = None


class SMC:
    """Sequential Monte Carlo (a particle filter over program executions).

        particles 1..N start with w_i = 1/N;  at every stop  w_i <- w_i G_i;
        if ESS(w) < ess_threshold N:  Z_hat <- Z_hat sum_i w_i,  resample by W = w / sum w, children carry 1/N;
        at the end  Z_hat <- Z_hat sum_i w_i.

    Z_hat is unbiased for every resampler, threshold and stop. particles: N. resample: "ssp" (default), "multinomial",
    "stratified", "systematic", "residual", "killing", "optimal", or a function. ess_threshold: 0 never resamples, 1
    always. resample_at: where particles stop: "weight" (every effect that can change the weight), "factor", "token",
    `every(k)` tokens, names of sites, a function (see `stops`). expand: before each stretch every unfinished particle
    is split into K copies of weight w/K, and N survive of the N K: with resample="optimal" this is the rule of SMC
    steering (Lew et al. 2023, "Sequential Monte Carlo Steering of LLMs using probabilistic programs"). rejuvenate: a
    move, or a mix or cycle of moves, that is applied to every unfinished particle at each stop, `rejuvenation_steps`
    times, so that copies differ again: resample-move (see `rejuvenate`). Weights and Z_hat stay as they are;
    posterior.info["rejuvenation"] tells the acceptance rates. proposal: a guide, in step with the program: what it
    draws at a site takes the place of the program's own draws there (see `guided`).

    A particle that finishes or dies early stays in its slot, its weight multiplied by 1 or 0, until it is resampled.
    A twist looks ahead and is divided out at the end. The standard error of log Z_hat is estimated from the genealogy
    of this one run, over a fixed lag where it has coalesced (Lee & Whiteley 2018, Olsson & Douc 2019). Source: Chopin
    & Papaspiliopoulos 2020, chapter 10, algorithm 10.3. Cost: N times one execution, plus the forks.
    """

    def __init__(
        self, particles: int, *, resample: str | Resampler = "ssp", ess_threshold: float = 0.5,
        resample_at: StopSpec = "weight", expand: int = 1, rejuvenate: Kernel | None = None,
        rejuvenation_steps: int = 1, proposal: Any = None,
    ) -> None:
        whole("SMC", particles=particles, expand=expand, rejuvenation_steps=rejuvenation_steps)
        if not ess_threshold >= 0:
            raise ValueError(f"SMC(ess_threshold={ess_threshold}): expected a fraction of the population, 0 to 1")
        self.particles, self.expand = particles, expand
        scheme = get_resampler(resample)
        # A population that expand has enlarged is always brought back to N, whatever its ESS.
        self.resample = scheme if expand > 1 else adaptive(scheme, ess_threshold)
        self._barrier = barrier(resample_at)
        self.rejuvenate = None if rejuvenate is None else movable(rejuvenate)
        self.rejuvenation_steps = rejuvenation_steps
        self.proposal = proposal

    @property
    def name(self) -> str:
        return f"SMC({self.particles}{f', expand={self.expand}' if self.expand > 1 else ''})"

    def model(self, run: Run) -> Invocation[Any]:
        """The program of a run, under the guide."""
        return run.model if self.proposal is None else guided(run.model, self.proposal)

    def init(self, run: Run) -> SMCState:
        state = SMCState(run.spawn(range(self.particles), self.model(run)))
        for p in state.particles:
            p.log_weight -= math.log(self.particles)
        return state

    async def step(self, run: Run, state: SMCState) -> tuple[SMCState, dict[str, Any]]:
        """Advance to the next stop, record the generation, resample."""
        if self.expand > 1:
            self._expand(state)
        await run.advance(state.particles, stop=state.history.watching(self._barrier.make(state.met)))
        log_w = np.array([p.log_weight for p in state.particles])
        total = log_sum_exp(log_w)
        self._record(state, log_w)
        if total == -math.inf:
            raise AllParticlesDead(killed_by(state.particles), self._posterior(run, state, log_w))
        unfinished = sum(not p.done for p in state.particles)
        if unfinished or len(state.particles) != self.particles:
            self._resample(run, state, log_w, total)
            children = state.particles
            await self._rejuvenate(run, state)
            if state.particles is not children:
                pairs = zip(children, state.particles, strict=True)
                state.moved = frozenset([slot for slot, (before, after) in enumerate(pairs) if before is not after])
            if self.done(state):  # only finished particles have survived, or expand has ended with more than N
                state.error = run_error(state.genealogy)  # the last resampling does not add to that of log Z
                self._record(state, np.array([p.log_weight for p in state.particles]))
        info = {"done": self.particles - min(unfinished, self.particles), "total": self.particles,
                "note": f"generation {len(state.genealogy)},"}
        return state, info

    def done(self, state: SMCState) -> bool:
        return all(p.done for p in state.particles)

    def _record(self, state: SMCState, log_w: np.ndarray[Any, Any]) -> None:
        """A generation has ended."""
        parents = None if state.ancestry is None else state.ancestry.index.tolist()
        state.history.append(state.particles, parents, state.moved)
        state.genealogy.append(log_w, state.ancestry, log_z=state.log_z)
        state.moved = frozenset()

    def _resample(self, run: Run, state: SMCState, log_w: np.ndarray[Any, Any], total: float) -> None:
        ancestry = self.resample(normalise(log_w), self.particles, run.new_key())
        if not ancestry.resampled:
            state.ancestry = ancestry
            return
        state.ancestry = ancestry = ancestry.in_place(len(log_w))
        state.log_z += total
        state.particles = offspring(state.particles, ancestry)

    async def _rejuvenate(self, run: Run, state: SMCState) -> None:
        if self.rejuvenate is not None:
            state.particles = await rejuvenate(
                run, state.particles, self.rejuvenate, self.rejuvenation_steps, self._barrier, len(state.genealogy),
                state.moves,
            )

    def _expand(self, state: SMCState) -> None:
        splits = [1 if p.done else self.expand for p in state.particles]
        index = np.repeat(np.arange(len(splits)), splits)
        weights = np.array([p.log_weight for p in state.particles]) - np.log(splits)
        before = state.ancestry
        if before is not None:
            shares = before.weights[index] / np.array(splits)[index]
            state.ancestry = Ancestry(before.index[index], shares, before.resampled)
        state.moved = frozenset([j for j, i in enumerate(index.tolist()) if i in state.moved])
        state.particles = copies(state.particles, index.tolist())
        for p, i in zip(state.particles, index, strict=True):
            p.log_weight = float(weights[i])

    def result(self, run: Run, state: SMCState) -> Posterior:
        if run.stopped is None and (never := self._barrier.names - state.met):
            warnings.warn(f"resample_at names {sorted(never)}, but no particle met a site of that name", stacklevel=2)
        if run.stopped is None and self.rejuvenate is not None and len(state.genealogy) > 1 and not state.moves.tried:
            warnings.warn(f"rejuvenate={self.rejuvenate!r} has found nothing to change at any stop", stacklevel=2)
        return self._posterior(run, state, np.array([p.log_weight for p in state.particles]))

    def _posterior(self, run: Run, state: SMCState, log_w: np.ndarray[Any, Any]) -> Posterior:
        if run.stopped is not None:
            error = math.nan
        elif state.error is not None:
            error = state.error
        else:  # without a generation there was nothing to draw: log Z is exact
            error = run_error(state.genealogy) if len(state.genealogy) else 0.0
        return Posterior.of_particles(
            state.particles, log_w + state.log_z,
            log_evidence_error=error, cost=Cost.of(run.meter), method=self.name, seed=run.seed,
            genealogy=state.genealogy, history=state.history, stopped=run.stopped,
            info=None if self.rejuvenate is None else {"rejuvenation": state.moves.acceptance()},
        )
