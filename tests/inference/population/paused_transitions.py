"""The transition matrix of a move on executions that wait at a stop, without any chance."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from steersman.inference.chain.paused import PausedChain
from steersman.inference.chain.target import Joint
from steersman.inference.kernels import Kernel
from steersman.inference.population.stops import Barrier, StopSpec, barrier
from steersman.inference.run import Run
from steersman.inference.run.schedule import run_together
from steersman.inference.testing import OracleModel, Tape, exhaust
from steersman.inference.testing.taped_run import TapedRun, _Spent
from steersman.inference.testing.transitions import Transitions, execution
from steersman.ppl.keys import Key
from steersman.ppl.particle import Particle


class TapedPausedChain(PausedChain):
    """A paused chain whose decisions and draws are taken from the tape of its run."""

    def __init__(self, run: TapedRun, particle: Particle, stops_at: Barrier, stops: int) -> None:
        super().__init__(run, particle, stops_at, stops, Key(0))
        self._tape = run.tape

    def choose(self, weights: Sequence[float]) -> int:
        return self._tape.choose(weights)

    def new_key(self) -> Key:
        return _Spent(0)


async def _advance(run: Run, particle: Particle, stops_at: Barrier, stops: int) -> Particle:
    for _ in range(stops):
        if not particle.done:
            await run.advance([particle], stop=stops_at.make(set()))
    return particle


def paused_executions(model: OracleModel, stops_at: Barrier, stops: int) -> dict[Hashable, Particle]:
    """Every execution that waits at its stop of this number."""
    program = model.program

    def run(tape: Tape) -> Particle:
        taped = TapedRun(program, tape)
        return run_together([_advance(taped, taped.spawn([0])[0], stops_at, stops)])[0]

    waiting = [p for _, p in exhaust(run) if not p.done]
    return {execution(p.partial_trace()): p for p in waiting}


def paused_transitions(kernel: Kernel, model: OracleModel, resample_at: StopSpec, stops: int) -> Transitions | None:
    """One step of a kernel over the executions of a model that wait at their stop of this number; None if none does."""
    stops_at = barrier(resample_at)
    found = paused_executions(model, stops_at, stops)
    if not found:
        return None
    index = {state: i for i, state in enumerate(found)}
    log_pi = np.array([Joint().log_density(p) for p in found.values()])
    pi = np.exp(log_pi - log_pi.max())
    K, lost = np.zeros((len(found), len(found))), np.zeros(len(found))
    for i, particle in enumerate(found.values()):

        def step(tape: Tape, particle: Particle = particle) -> Hashable:
            chain = TapedPausedChain(TapedRun(model.program, tape), particle, stops_at, stops)
            run_together([kernel.step(chain)])
            return execution(chain.trace)

        for probability, after in exhaust(step):
            if after in index:
                K[i, index[after]] += probability
            else:
                lost[i] += probability
    return Transitions(list(found), pi / pi.sum(), K, lost)
