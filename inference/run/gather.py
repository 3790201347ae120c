"""`gather`: several coroutines of one run, advanced in common rounds."""

from __future__ import annotations

from collections.abc import Coroutine, Generator, Sequence
from typing import Any, Generic, Protocol, TypeVar

from steersman.ppl.requests import Request

R = TypeVar("R")


class Waiting(Protocol):
    """What a coroutine of a run waits for: a request, or a gathering of coroutines."""

    error: Exception | None

    @property
    def live(self) -> Any: ...

    def requests(self) -> list[Request]:
        """The requests to play a round of."""
        ...

    def progress(self) -> None:
        """After a round: let go on whatever can."""
        ...


class gather(Generic[R]):  # noqa: N801 - awaited like a function
    """``results = await gather([chain.step() for chain in chains])``: their rounds are shared, so that all the
    particles that wait for one language model are answered by one call. The first exception ends all of them."""

    def __init__(self, coroutines: Sequence[Coroutine[Waiting, None, R]]) -> None:
        self._coroutines = coroutines
        self._waiting: dict[int, Waiting] = {}
        self.results: list[Any] = [None] * len(coroutines)
        self.error: Exception | None = None

    def __await__(self) -> Generator[Waiting, None, list[R]]:
        try:
            for i in range(len(self._coroutines)):
                self._resume(i, None)
            if self.live:
                yield self
            if self.error is not None:
                raise self.error
            return self.results
        finally:
            for c in self._coroutines:
                c.close()

    @property
    def live(self) -> bool:
        return bool(self._waiting) and self.error is None

    def requests(self) -> list[Request]:
        return [r for w in self._waiting.values() for r in w.requests()]

    def progress(self) -> None:
        for i, waiting in list(self._waiting.items()):
            waiting.progress()
            if not waiting.live and self.error is None:
                self._resume(i, waiting.error)

    def _resume(self, i: int, error: Exception | None) -> None:
        self._waiting.pop(i, None)
        try:
            waiting = advance_coroutine(self._coroutines[i], error)
        except StopIteration as end:
            self.results[i] = end.value
        except Exception as failure:
            self.error = failure
        else:
            self._waiting[i] = waiting


def advance_coroutine(coroutine: Coroutine[Waiting, None, Any], error: Exception | None) -> Waiting:
    """Resume a coroutine until it waits for something that takes a round. Raises StopIteration when it returns."""
    waiting = coroutine.send(None) if error is None else coroutine.throw(error)
    while not waiting.live:
        waiting = coroutine.send(None) if waiting.error is None else coroutine.throw(waiting.error)
    return waiting
