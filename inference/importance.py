"""Importance sampling."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steersman.ppl.address import Address, format_address
from steersman.ppl.errors import AllParticlesDead, InvalidWeight, UnknownAddress
from steersman.ppl.guided import SiteGuide, guided
from steersman.ppl.particle import Particle
from steersman.ppl.program import as_invocation
from steersman.ppl.trace import Trace

from .genealogy import Genealogy
from .killed import killed_by
from .posterior import Cost, Posterior
from .run import Run
from .sizes import whole
from .variance import log_evidence_error
from .weights import log_sum_exp


@dataclass
class ImportanceState:
    finished: list[Particle] = field(default_factory=list)
    wave: list[Particle] = field(default_factory=list)


class Importance:
    """N independent executions, weighted:  Z_hat = (1/N) sum_i w_i,  w = target / proposal.

    particles: N. proposal: a guide program; its choices are imposed on the sites of the same address, and the weight
    is divided by the density with which it drew them. Every choice of the guide must be a site of the program. Or a
    `Guide`, which runs in step with the program, and may leave sites to it (see `guided`). batch: how many executions
    are in memory at once (all up to 256 by default); it does not change the result.

    Unbiased for Z; the error of log Z_hat is the delta method. Stopped by a budget, the result holds the batches that
    were completed (or what of the first one is finished). Source: Robert & Casella 2004, section 3.3. Cost: N runs.
    """

    def __init__(self, particles: int, *, proposal: Any = None, batch: int | None = None) -> None:
        whole("Importance", particles=particles, batch=1 if batch is None else batch)
        self.particles = particles
        self.guide = proposal if hasattr(proposal, "proposer") or isinstance(proposal, SiteGuide) else None
        self.proposal = None if proposal is None or self.guide is not None else as_invocation(proposal)
        self.batch = min(particles, 256) if batch is None else batch

    @property
    def name(self) -> str:
        return f"Importance({self.particles})"

    def init(self, run: Run) -> ImportanceState:
        run.key = run.new_key()
        return ImportanceState()

    async def step(self, run: Run, state: ImportanceState) -> tuple[ImportanceState, dict[str, Any]]:
        start = len(state.finished)
        model = run.model if self.guide is None else guided(run.model, self.guide)
        state.wave = run.spawn(range(start, min(start + self.batch, self.particles)), model)
        run.rewind()  # draws depend on the slot alone, so that batches of any size give one result
        if self.proposal is None:
            await run.advance(state.wave)
        else:
            await self._advance_guided(run, state.wave)
        state.finished, state.wave = state.finished + state.wave, []
        return state, {"done": len(state.finished), "total": self.particles}

    def done(self, state: ImportanceState) -> bool:
        return len(state.finished) >= self.particles

    async def _advance_guided(self, run: Run, wave: list[Particle]) -> None:
        guides = run.spawn([p.slot for p in wave], self.proposal)
        await run.advance(guides)
        traces = {p.slot: p.trace for p in guides}
        tables = {slot: _drawn(trace) for slot, trace in traces.items()}
        used: dict[int, set[Address]] = {slot: set() for slot in tables}

        def choose(p: Particle) -> tuple[bool, Any]:
            address = p.address
            if address in tables[p.slot]:
                used[p.slot].add(address)
                return True, tables[p.slot][address][0]
            return False, None

        await run.advance(wave, choose=choose)
        for p in wave:
            if p.dead:
                continue
            missed = tables[p.slot].keys() - used[p.slot]
            if missed:
                site = format_address(min(missed, key=repr))
                raise UnknownAddress(f"the proposal drew {site!r}, which the program never asked for")
            p.log_weight -= sum(log_q for _, log_q in tables[p.slot].values())

    def result(self, run: Run, state: ImportanceState) -> Posterior:
        particles = state.finished or state.wave
        log_w = np.array([p.log_weight for p in particles]) - np.log(len(particles))
        genealogy = Genealogy()
        genealogy.append(log_w)
        whole = all(p.done for p in particles)  # unfinished executions do not yet estimate Z, and tell no error of it
        posterior = Posterior.of_particles(
            particles, log_w, log_evidence_error=log_evidence_error(genealogy) if whole else math.nan,
            cost=Cost.of(run.meter), method=self.name, seed=run.seed, stopped=run.stopped,
        )
        if log_sum_exp(log_w) == -np.inf:
            raise AllParticlesDead(killed_by(particles), posterior)
        return posterior


def _drawn(trace: Trace | None) -> dict[Address, tuple[Any, float]]:
    """Address -> (value, log q) of every choice of a guide."""
    if trace is None:
        raise InvalidWeight("the proposal program died: a guide only draws, it has no factor or condition")
    sites = trace.choice_sites()
    if abs(trace.log_joint - math.fsum(s.log_p for s in sites.values())) > 1e-9:
        raise InvalidWeight("the proposal program weighs its choices: a guide only draws, it has no factor or observe")
    return {a: (s.value, s.log_q) for a, s in sites.items()}
