"""Exact enumeration."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steersman.ppl.effects import Sample
from steersman.ppl.enumerate import branch
from steersman.ppl.errors import AllParticlesDead, BudgetExhausted
from steersman.ppl.meter import Meter
from steersman.ppl.particle import Particle
from steersman.ppl.requests import calls_of

from .posterior import Cost, Posterior
from .posterior.killed import killed_by
from .resampling.weights import log_sum_exp
from .run import Run
from .run.sizes import whole


@dataclass
class EnumerateState:
    stack: list[Particle]
    finished: list[Particle] = field(default_factory=list)
    dead: list[Particle] = field(default_factory=list)


class Enumerate:
    """Every execution of positive density, by forking once for every value of every choice.

    log Z = log sum_traces p(trace), exactly; every choice needs a finite support (texts are enumerated token by
    token). max_traces: stop after that many; the result is then a lower bound of Z over the traces it holds, and
    `posterior.stopped` says so. width: executions advanced at once, depth first, so memory stays bounded.

    The universal oracle of the tests. Raises NotEnumerable naming the site without a finite support. Cost: one
    language-model token for every node of the tree of prefixes.
    """

    def __init__(self, max_traces: int = 100_000, *, width: int = 256) -> None:
        whole("Enumerate", max_traces=max_traces, width=width)
        self.max_traces, self.width = max_traces, width

    @property
    def name(self) -> str:
        return "Enumerate()"

    def init(self, run: Run) -> EnumerateState:
        return EnumerateState(run.spawn([0]))

    async def step(self, run: Run, state: EnumerateState) -> tuple[EnumerateState, dict[str, Any]]:
        front = state.stack[-self.width :]
        await run.advance(front, pause=lambda particle: True)
        state.finished += [p for p in front if p.trace is not None]
        state.dead += [p for p in front if p.dead]
        state.stack[-len(front) :] = [p for p in front if not p.done]
        waiting = _affordable(run.meter, [p for p in front if not p.done])
        if waiting:
            state.stack[-len(waiting) :] = branch(waiting)
        if len(state.finished) >= self.max_traces and state.stack:
            run.stopped = f"max_traces={self.max_traces} reached: log Z is a lower bound"
            state.finished, state.stack = state.finished[: self.max_traces], []
        return state, {"done": len(state.finished), "note": f"{len(state.finished)} traces,"}

    def done(self, state: EnumerateState) -> bool:
        return not state.stack

    def result(self, run: Run, state: EnumerateState) -> Posterior:
        finished = state.finished + [p for p in state.stack if p.trace is not None]  # those a stopped round finished
        log_w = np.array([p.log_weight for p in finished])
        posterior = Posterior.of_particles(
            finished, log_w, log_evidence_error=math.nan if run.stopped else 0.0, cost=Cost.of(run.meter),
            method=self.name, seed=run.seed, stopped=run.stopped,
        )
        if log_sum_exp(log_w) == -math.inf and not run.stopped:
            raise AllParticlesDead(killed_by(state.dead), posterior, exact=True)
        return posterior


def _affordable(meter: Meter, waiting: list[Particle]) -> list[Particle]:
    """Charge for the branching of as many particles, the deepest first, as the budget pays for: a token for each
    target, and for a proposal over another context.

    Raises BudgetExhausted when it does not pay for a single one.
    """
    while waiting:
        tokens, groups = 0, set()
        for p in waiting:
            assert isinstance(p.pending, Sample)
            target = p.pending.dist
            scored: list[tuple[Any, Any]] = [(target, None), (p.pending.proposal, target)]  # by `branch`
            for dist, given in scored:
                if hasattr(dist, "tokens") and (more := dist.tokens(None, given)):
                    tokens += more
                    groups.update(calls_of((given is None, type(dist), dist.family), dist))
        calls = len(groups)
        try:
            meter.check(tokens, calls, 0)
        except BudgetExhausted:
            if len(waiting) == 1:
                raise
            waiting = waiting[len(waiting) // 2 :]
            continue
        meter.charge(tokens, calls, 0, rounds=1)
        break
    return waiting
