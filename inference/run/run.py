"""One run of one method on one program: its keys, its ledger, and how it asks for particles to be advanced."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from operator import index
from typing import Any

from steersman.ppl.effects import Invocation
from steersman.ppl.keys import Key
from steersman.ppl.meter import Budget, Meter
from steersman.ppl.particle import Particle
from steersman.ppl.requests import Choose, Pause, Recall, Request, Stop

from .progress import Progress


class Run:
    """What a method is given: the program, fresh keys, and `advance`.

    model: the program call. seed: None where the run was started from a key. meter: tokens, calls and rewards spent
    so far. stopped: why the run ended early, if so.
    """

    def __init__(
        self, model: Invocation[Any], seed: int | Key = 0, budget: Budget | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.model = model
        self.seed = None if isinstance(seed, Key) else index(seed)
        self.key = seed if isinstance(seed, Key) else Key(seed)
        self.meter = Meter(budget or Budget())
        self.progress = progress
        self.params: dict[Any, Any] = {}
        self.stopped: str | None = None
        self._keys = 0

    def new_key(self) -> Key:
        """A key that this run has not used."""
        self._keys += 1
        return self.key.fold(self._keys)

    def rewind(self) -> None:
        """Use the same keys again, for particles in other slots: what a slot draws then depends on nothing else."""
        self._keys = 0

    def spawn(self, slots: Sequence[int] | range, model: Invocation[Any] | None = None) -> list[Particle]:
        """New particles at the beginning of the program, in the given slots of the population."""
        return [Particle(self.model if model is None else model, slot, self.params) for slot in slots]

    def advance(
        self, particles: Sequence[Particle], *, choose: Choose | None = None, recall: Recall | None = None,
        stop: Stop | None = None, pause: Pause | None = None, key: Key | None = None,
    ) -> Advance:
        """``await run.advance(particles, stop=...)``: `ppl.advance` under this run's keys and budget (or the given
        key, where draws are to depend on nothing else).

        Rounds are shared with whatever else runs at the same time. Raises BudgetExhausted when the budget ends,
        Interrupted after Ctrl-C; both are Stopped.
        """
        return Advance(
            Request(
                particles, self.new_key() if key is None else key, choose=choose, recall=recall, stop=stop, pause=pause,
                meter=self.meter,
            )
        )

    def report(self, info: Any) -> None:
        if self.progress is not None:
            self.progress.update(info, self.meter)


class Advance:
    """The awaitable that `Run.advance` returns."""

    __slots__ = ("request",)

    def __init__(self, request: Request) -> None:
        self.request = request

    def __await__(self) -> Generator[Request, None, None]:
        yield self.request
