"""`PausedChain`: a Markov chain over the executions that wait at a stop."""

from __future__ import annotations

import math

from steersman.ppl.keys import Key
from steersman.ppl.particle import Particle
from steersman.ppl.requests import Choose, Recall

from ..population.stops import Barrier
from ..run import Run
from .chain import Chain


class PausedChain(Chain):
    """The execution of one particle between two stretches of SMC, and what a kernel needs to change it.

    The state space is that of the executions that have t stops behind them and are not finished; the target on it is
    their density so far, the twists in force included. A proposal is run for t stretches, each with a fresh predicate
    of the barrier; one that finishes (or dies) on the way has density zero, as no move leads back from there.

    stops: t. key: of all that the chain draws.
    """

    def __init__(self, run: Run, particle: Particle, barrier: Barrier, stops: int, key: Key) -> None:
        super().__init__(run, particle.slot, particle)
        self._barrier, self._stops = barrier, stops
        self._key = key

    def log_target(self, particle: Particle) -> float:
        return -math.inf if particle.done else super().log_target(particle)

    async def finish(
        self, particle: Particle, *, choose: Choose | None = None, recall: Recall | None = None
    ) -> None:
        """Run a proposed execution as far as the current one has come: for as many stops."""
        for _ in range(self._stops):
            if not particle.done:
                await self.advance([particle], choose=choose, recall=recall, stop=self._barrier.make(set()))
