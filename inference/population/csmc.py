"""Conditional sequential Monte Carlo: one sweep of a population around a retained execution."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from steersman.ppl.errors import SteersmanError
from steersman.ppl.particle import Particle
from steersman.ppl.protocols import Floats
from steersman.ppl.trace import Trace

from ..chain import Chain
from ..chain.target import Joint
from ..resampling.ancestry import in_place
from ..resampling.weights import log_sum_exp, normalise
from .ancestor_sampling import sample_ancestor
from .given import Given
from .offspring import copies
from .reference import Reference
from .stops import Barrier


class WrongTarget(SteersmanError, ValueError):
    """A sweep of a chain whose target is not that of its program."""


@dataclass(frozen=True)
class Sweep:
    """particles [N]: finished or dead, slot 0 holding the retained one. log_weights [N] (nats): their log-sum-exp is
    log_evidence, log Zhat. retained: the execution that slot 0 has followed, or None; with ancestor sampling its
    beginning may have changed."""

    particles: list[Particle]
    log_weights: Floats
    log_evidence: float
    retained: Trace | None

    def draw(self, chain: Chain) -> int:
        """A slot, drawn by weight."""
        return chain.choose(normalise(self.log_weights).tolist())


class ConditionalSMC:
    """One sweep of N particles, conditional on an execution (Andrieu, Doucet & Holenstein 2010, "Particle Markov chain
    Monte Carlo methods", section 4.3); plain SMC for None.

        slot 0 follows the reference;  slots 1..N-1 draw;  every weight grows as in SMC, w_i <- w_i G_i;
        at every stop  Zhat <- Zhat sum_i w_i;  A_0 = 0;  A_j ~ Multinomial(W), j = 1..N-1, independently;  w <- 1/N

    until all are finished. Being retained belongs to slot 0: a copy of the reference in another slot goes on freely.
    Resampling is multinomial and at every stop, for under other schemes the law of the population given its reference
    is another one than that of N - 1 independent draws. A particle that finishes early, the reference too, stays in
    its slot with weight increment 1 until it is resampled. Twists weigh at the stops and are divided out at the end.

    For a reference from the posterior, a draw by the final weights is one as well, and E[1 / Zhat] = 1 / Z; without a
    reference E[Zhat] = Z, where Zhat is 0 if all particles die.

    barrier: where particles stop. given: choices that are imposed on all. ancestor_sampling: A_0 is drawn, too (see
    `sample_ancestor`). met: gathers the names of the barrier that were met. Cost: N - 1 executions; the reference costs
    no token. Raises WrongTarget for a chain that is tempered or annealed.
    """

    def __init__(
        self, chain: Chain, particles: int, barrier: Barrier, reference: Trace | None, *, given: Given | None = None,
        ancestor_sampling: bool = False, met: set[Hashable] | None = None,
    ) -> None:
        if chain.target != Joint():
            raise WrongTarget(
                f"a conditional sweep samples the target of the program itself, not {chain.target!r}: temper the "
                "program, tempered(program, beta), instead of the chain"
            )
        self.chain, self.size, self.barrier, self.given = chain, particles, barrier, given
        self.retained = None if reference is None else Reference(reference, given)
        self.ancestor_sampling = ancestor_sampling
        self._met = set() if met is None else met
        self.population: list[Particle] = []
        self.log_evidence = 0.0

    async def run(self) -> Sweep:
        """Raises ReplayDivergence where the program cannot replay the reference."""
        self.population = self._reset([self.chain.restart(slot) for slot in range(self.size)])
        while True:
            await self._stretch()
            log_w = np.array([p.log_weight for p in self.population])
            total = log_sum_exp(log_w)
            if total == -math.inf or all(p.done for p in self.population):
                break
            await self._resample(normalise(log_w).tolist())
            self.log_evidence += total
        if self.given is not None:
            agree = [p.trace is not None and self.given.agrees(p.trace) for p in self.population]
            log_w = np.where(agree, log_w, -np.inf)
        log_w = log_w + self.log_evidence
        return Sweep(
            self.population, log_w, log_sum_exp(log_w), None if self.retained is None else self.retained.trace
        )

    def recall(self, p: Particle) -> Any:
        """What the retained particle is answered: the one in slot 0, whoever its ancestors were."""
        return self.retained(p) if self.retained is not None and p.slot == 0 else None

    def draw_parents(self, W: list[float], n: int) -> list[int]:
        """The parents of n slots, independent draws by weight."""
        return [self.chain.choose(W) for _ in range(n)]

    async def draw_ancestor(self, retained: Reference) -> tuple[int, Reference]:
        """The parent of slot 0, where that is drawn, and the reference from there on."""
        return await sample_ancestor(self.chain, self.population, retained, self.given)

    async def _stretch(self) -> None:
        """To the next stop."""
        await self.chain.advance(
            self.population, choose=None if self.given is None else self.given.choose, recall=self.recall,
            stop=self.barrier.make(self._met),
        )
        if self.retained is not None:
            self.retained.check(self.population[0])

    async def _resample(self, W: list[float]) -> None:
        if self.retained is None:
            index = _in_place(self.draw_parents(W, self.size), self.size)
        else:
            ancestor = 0
            if self.ancestor_sampling:
                ancestor, self.retained = await self.draw_ancestor(self.retained)
            index = [ancestor, *_in_place([0, *self.draw_parents(W, self.size - 1)], self.size)[1:]]
        self.population = self.children(index)

    def children(self, index: list[int]) -> list[Particle]:
        """The next generation, of these parents."""
        return self._reset(copies(self.population, index))

    def _reset(self, population: list[Particle]) -> list[Particle]:
        """Everyone weighs 1/N."""
        for p in population:
            p.log_weight = -math.log(self.size)
        return population


def _in_place(parents: list[int], n: int) -> list[int]:
    """The parents, a survivor in its own slot so that little is copied. Slots are drawn independently of each other, so
    their order is free."""
    index: list[int] = in_place(np.sort(np.array(parents)), n).tolist()
    return index


async def conditional_sweep(
    chain: Chain, particles: int, barrier: Barrier, reference: Trace | None, *, given: Given | None = None,
    ancestor_sampling: bool = False, met: set[Hashable] | None = None,
) -> Sweep:
    """``sweep = await conditional_sweep(chain, 16, barrier("weight"), chain.trace)``: see `ConditionalSMC`."""
    smc = ConditionalSMC(
        chain, particles, barrier, reference, given=given, ancestor_sampling=ancestor_sampling, met=met
    )
    return await smc.run()
