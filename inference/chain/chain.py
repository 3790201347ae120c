"""`Chain`: one Markov chain, the state that kernels change."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from steersman.ppl.keys import Key
from steersman.ppl.particle import Particle
from steersman.ppl.requests import Choose, Recall, Stop
from steersman.ppl.trace import Trace

from ..run.run import Advance, Run
from .target import Joint, Target


@dataclass
class Tally:
    """How often each move was tried and accepted: name -> count; and the same by where it cut, (name, tenth)."""

    tried: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    tried_at: Counter[tuple[str, int]] = field(default_factory=Counter)
    accepted_at: Counter[tuple[str, int]] = field(default_factory=Counter)

    def count(self, name: str, accepted: bool, cut: float | None = None) -> None:
        """cut: where the move cut the execution, as a fraction of its choices in [0, 1)."""
        self.tried[name] += 1
        self.accepted[name] += accepted
        if cut is not None:
            at = name, min(9, int(10 * cut))
            self.tried_at[at] += 1
            self.accepted_at[at] += accepted

    def acceptance(self) -> dict[str, float]:
        """Move -> fraction of its proposals that were accepted."""
        return {name: self.accepted[name] / n for name, n in self.tried.items()}

    def copy(self) -> Tally:
        return Tally(self.tried.copy(), self.accepted.copy(), self.tried_at.copy(), self.accepted_at.copy())

    def add(self, other: Tally) -> None:
        self.tried += other.tried
        self.accepted.update(other.accepted)
        self.tried_at += other.tried_at
        self.accepted_at.update(other.accepted_at)


class Chain:
    """The current execution of one chain, and what a kernel needs to find the next.

    particle: the current execution, finished. slot: its place among the chains, part of the keys of its draws. target:
    what the kernels leave invariant. memory: what adaptive kernels keep between steps (step sizes, for example).
    adapting: whether they may adapt, which is so during the first `warmup` steps. t: the number of the step.

    What a chain draws depends on the seed, its slot and the number of the step alone, not on the other chains.
    """

    def __init__(self, run: Run, slot: int, particle: Particle, target: Target | None = None) -> None:
        self.run, self.slot, self.particle = run, slot, particle
        self.target: Target = Joint() if target is None else target
        self.memory: dict[Any, Any] = {}
        self.tally = Tally()
        self.t, self.adapting, self.warmup = 0, False, 0
        self._key, self._keys = run.key.fold(slot), 0

    @property
    def trace(self) -> Trace:
        return self.particle.partial_trace()

    def begin_step(self, t: int) -> None:
        """Use the keys of step t from now on."""
        self.t, self._key, self._keys = t, self.run.key.fold(t, self.slot), 0

    def new_key(self) -> Key:
        """A key that this chain has not used."""
        self._keys += 1
        return self._key.fold(self._keys)

    def choose(self, weights: Sequence[float]) -> int:
        """An index drawn in proportion to the weights (at least 0, not all 0). Kernels decide whatever they decide by
        chance here and in `accepts`, the program draws in `advance`: the oracles that know all choices watch these."""
        ends = list(accumulate(weights))
        return bisect_right(ends, self.new_key().uniform() * ends[-1])

    def accepts(self, log_ratio: float) -> bool:
        """True with probability min(1, exp(log_ratio)); never for nan."""
        p = 1.0 if log_ratio >= 0.0 else math.exp(log_ratio) if log_ratio < 0.0 else 0.0
        return self.choose((p, 1.0 - p)) == 0

    def log_target(self, particle: Particle) -> float:
        """log of the unnormalised target density of an execution, -inf for a dead one."""
        return -float("inf") if particle.dead else self.target.log_density(particle)

    def restart(self, slot: int = 0) -> Particle:
        """A new particle at the beginning of the program."""
        return self.run.spawn([slot], self.particle.model)[0]

    def advance(
        self, particles: Sequence[Particle], *, choose: Choose | None = None, recall: Recall | None = None,
        stop: Stop | None = None,
    ) -> Advance:
        """``await chain.advance([particle], ...)``: `Run.advance` under the keys of this chain."""
        return self.run.advance(particles, choose=choose, recall=recall, stop=stop, key=self.new_key())

    async def finish(
        self, particle: Particle, *, choose: Choose | None = None, recall: Recall | None = None
    ) -> None:
        """Run a proposed execution as far as the current one has come: to its end."""
        await self.advance([particle], choose=choose, recall=recall)
