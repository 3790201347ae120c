"""`PausedChain`: a Markov chain over executions that have made a given number of stops."""

from __future__ import annotations

from steersman.ppl.keys import Key
from steersman.ppl.particle import Particle
from steersman.ppl.requests import Choose, Recall

from .chain import Chain
from .run import Run
from .stops import Barrier


class PausedChain(Chain):
    """The execution of one particle between two stretches of SMC, and what a kernel needs to change it.

    The state space after t stops is  { executions with t stops behind them } + { executions that finished before },
    and the target on it the density so far, the twists in force included: the very target of the population there. A
    proposal is run until it belongs to that space: for t stretches, each with a fresh predicate of the barrier, or to
    its end. So executions that are not finished may become finished ones, and the other way round.

    stops: t. key: of all that the chain draws.
    """

    def __init__(self, run: Run, particle: Particle, barrier: Barrier, stops: int, key: Key) -> None:
        super().__init__(run, particle.slot, particle)
        self._barrier, self._stops = barrier, stops
        self._key = key

    async def finish(
        self, particle: Particle, *, choose: Choose | None = None, recall: Recall | None = None
    ) -> None:
        """Run a proposed execution as far as the current one has come: for as many stops, or to its end."""
        for _ in range(self._stops):
            if particle.done:
                return
            await self.advance([particle], choose=choose, recall=recall, stop=self._barrier.make(set()))
