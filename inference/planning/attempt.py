"""`Attempt`: one program of the planner, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from steersman.ppl.errors import SteersmanError

from .verdict import Verdict

if TYPE_CHECKING:
    from steersman.ppl.effects import Invocation
    from steersman.ppl.language import Module
    from steersman.ppl.language.diagnostics import Diagnostic

    from ..posterior import Posterior

Stage = Literal["reply", "source", "run", "dead", "budget", "check", "done"]
"""Where an attempt ended: no program in the reply; mistakes found before it ran; it failed as it ran; all particles
died; the budget ended before any particle did; its results fail its own check; it is fine."""


@dataclass(frozen=True, eq=False)
class Attempt:
    """reply: what the planner said. source: the program in it. problem: what the planner is told, None if nothing is
    wrong. error: the exception behind it. module, call, posterior, verdict: as far as the attempt came."""

    reply: str
    source: str
    stage: Stage
    problem: str | None = None
    error: Exception | None = None
    module: Module | None = None
    call: Invocation[Any] | None = None
    posterior: Posterior | None = None
    verdict: Verdict | None = None

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What is wrong where, if it can be said by line and column."""
        return tuple(getattr(self.error, "diagnostics", ()))


class PlanningFailed(SteersmanError):
    """No attempt gave a program whose results pass its check. attempts: all of them, with their programs, errors and
    posteriors."""

    def __init__(self, attempts: Sequence[Attempt], why: str | None = None) -> None:
        self.attempts = tuple(attempts)
        count = len(self.attempts)
        told = why or f"none of {count} attempt{'s' * (count != 1)} gave a program that does the task"
        last = f"; the last one:\n{self.attempts[-1].problem}" if count and self.attempts[-1].problem else ""
        super().__init__(told + last)
