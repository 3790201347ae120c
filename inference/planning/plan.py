"""`Plan`: the program that a planner has written, ready to run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steersman.ppl.effects import Invocation
from steersman.ppl.meter import Budget

from ..infer import infer
from .attempt import Attempt
from .verdict import Verdict, judge

if TYPE_CHECKING:
    from steersman.ppl.language import Module

    from ..posterior import Posterior
    from ..run.algorithm import Algorithm


@dataclass(frozen=True, eq=False)
class Plan:
    """source: the .steer program; module: compiled. call: the program call, for `infer`. method: of the trial.
    trial: its posterior under the small budget; verdict: what of it passes the program's `check`. attempts: the whole
    conversation, the accepted one included."""

    source: str
    module: Module
    call: Invocation[Any]
    method: Algorithm[Any]
    trial: Posterior
    verdict: Verdict
    attempts: tuple[Attempt, ...]

    def run(self, method: Algorithm[Any] | None = None, budget: Budget | None = None, seed: int = 0, *,
            progress: bool | None = None) -> Posterior:
        """Run the program by any method (by default that of the trial) under any budget."""
        return infer(self.call, method or self.method, seed=seed, budget=budget, progress=progress)

    def check(self, text: str) -> bool:
        """The program's own check of a result."""
        return bool(self.module.functions["check"](text))

    def judge(self, posterior: Posterior) -> Verdict:
        """Which results of a run pass the check."""
        return judge(self.check, posterior)

    def __repr__(self) -> str:
        return f"<Plan: {len(self.attempts)} attempts, {self.verdict.weight:.3g} of the trial passes>"
