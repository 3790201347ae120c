"""Conditional sequential Monte Carlo: one sweep of a population around a retained execution."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from steersman.ppl.errors import SteersmanError
from steersman.ppl.particle import Particle
from steersman.ppl.protocols import Floats
from steersman.ppl.requests import Recall
from steersman.ppl.trace import Trace

from .ancestor_sampling import sample_ancestor
from .chain import Chain
from .given import Given
from .offspring import copies
from .reference import Reference
from .resampling.ancestry import in_place
from .stops import Barrier
from .target import Joint
from .weights import log_sum_exp, normalise


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


async def conditional_sweep(
    chain: Chain, particles: int, barrier: Barrier, reference: Trace | None, *, given: Given | None = None,
    ancestor_sampling: bool = False, met: set[Hashable] | None = None,
) -> Sweep:
    """One sweep of N particles, conditional on the execution `reference` (Andrieu, Doucet & Holenstein 2010, "Particle
    Markov chain Monte Carlo methods", section 4.3); plain SMC for None.

        slot 0 follows the reference;  slots 1..N-1 draw;  every weight grows as in SMC, w_i <- w_i G_i;
        at every stop  Zhat <- Zhat sum_i w_i;  A_0 = 0;  A_j ~ Multinomial(W), j = 1..N-1, independently;  w <- 1/N

    until all are finished. Being retained belongs to slot 0: a copy of the reference in another slot goes on freely.
    Resampling is multinomial and at every stop, for under other schemes the law of the population given its reference
    is another one than that of N - 1 independent draws. A particle that finishes early, the reference too, stays in
    its slot with weight increment 1 until it is resampled. Twists weigh at the stops and are divided out at the end.

    For a reference from the posterior, a draw by the final weights is one as well; E[1 / Zhat] = 1 / Z there, and
    E[Zhat] = Z without a reference, when Zhat is 0 if all particles die.

    barrier: where particles stop. given: choices that are imposed on all. ancestor_sampling: A_0 is drawn, too (see
    `ancestor_sampling`). met: gathers the names of the barrier that were met. Cost: N - 1 executions; the reference
    costs no token. Raises ReplayDivergence where the program cannot replay the reference, WrongTarget for a chain that
    is tempered or annealed.
    """
    if chain.target != Joint():
        raise WrongTarget(
            f"a conditional sweep samples the target of the program itself, not {chain.target!r}: temper the program, "
            "tempered(program, beta), instead of the chain"
        )
    N = particles
    population = [chain.restart(slot) for slot in range(N)]
    retained = None if reference is None else Reference(reference, given)
    choose = None if given is None else given.choose
    met = set() if met is None else met
    log_evidence = 0.0
    for p in population:
        p.log_weight = p.log_weight - math.log(N)
    while True:
        recall = None if retained is None else _in_slot_0(retained)
        await chain.advance(population, choose=choose, recall=recall, stop=barrier.make(met))
        if retained is not None:
            retained.check(population[0])
        log_w = np.array([p.log_weight for p in population])
        total = log_sum_exp(log_w)
        if total == -math.inf or all(p.done for p in population):
            break
        W, ancestor = normalise(log_w).tolist(), 0
        if retained is not None and ancestor_sampling:
            ancestor, retained = await sample_ancestor(chain, population, retained, given)
        others = [chain.choose(W) for _ in range(N if retained is None else N - 1)]
        population = copies(population, _slots(others, ancestor, N, retained is not None))
        for p in population:
            p.log_weight = -math.log(N)
        log_evidence += total
    if given is not None:
        agree = [p.trace is not None and given.agrees(p.trace) for p in population]
        log_w = np.where(agree, log_w, -np.inf)
    log_w = log_w + log_evidence
    return Sweep(population, log_w, log_sum_exp(log_w), None if retained is None else retained.trace)


def _in_slot_0(retained: Reference) -> Recall:
    return lambda p: retained(p) if p.slot == 0 else None


def _slots(others: list[int], ancestor: int, N: int, conditional: bool) -> list[int]:
    """The parent of every slot. Which of the other slots has which child is free, as they are drawn independently:
    parents that survive stay in their slots, so that little is copied."""
    drawn = [0, *others] if conditional else others
    index: list[int] = in_place(np.sort(np.array(drawn)), N).tolist()
    if conditional:
        index[0] = ancestor
    return index
