"""The one shape of every method."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from ..posterior import Posterior
from .run import Run

State = TypeVar("State")


class Algorithm(Protocol[State]):
    """A method of inference.

    A step is a coroutine, because it awaits ``run.advance(...)``: many runs are then stepped together and share every
    language-model call. The state is whatever the method needs, and `result` turns any state, also that of a run that
    was stopped in the middle of a step, into a valid posterior.
    """

    @property
    def name(self) -> str:
        """How results call the method, e.g. "SMC(64)"."""
        ...

    def init(self, run: Run) -> State: ...

    async def step(self, run: Run, state: State) -> tuple[State, dict[str, Any]]:
        """One step; the second value is information for progress displays ("done" and "total" draw a bar)."""
        ...

    def done(self, state: State) -> bool: ...

    def result(self, run: Run, state: State) -> Posterior: ...
