"""`write_program`: a planner writes the inference program of a task."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from steersman.ppl.meter import Budget

from ..importance import Importance
from ..run.algorithm import Algorithm
from ..run.sizes import whole
from ..smc import SMC
from .attempt import Attempt, PlanningFailed
from .plan import Plan
from .planner import Planner, asker
from .prompt import conversation, first_prompt
from .trial import Setting, attempt

if TYPE_CHECKING:
    from steersman.ppl.language import Limits

BUDGET = Budget(tokens=30_000, seconds=120)
"""Of one trial."""
LIMITS = {"steps": 100_000, "iterations": 2_000, "string": 50_000, "items": 5_000, "recursion": 20, "digits": 50}
"""Of one execution of a planner's program."""


def write_program(
    planner: Planner, task: str, *, models: Any, rewards: Mapping[str, Any] | None = None, attempts: int = 3,
    method: Algorithm[Any] | None = None, budget: Budget | None = None, limits: Limits | None = None,
    passing: float = 0.5, seed: int = 0, max_tokens: int = 1024, temperature: float = 1.0,
    planning: Algorithm[Any] | None = None,
) -> Plan:
    """Have a planner write a .steer program for a task, and try it; give it back what is wrong, and ask again.

    planner: a language model, whose reply is drawn by the method `planning` (one draw by default; an unnormalised
    target such as ``lm ** 4`` needs more, ``SMC(16)``) with at most max_tokens at this temperature, and which is told
    of the last attempts only where its window is short; or a function from prompt to reply. models: what the program
    may call, one model (`lm`) or several by name; rewards by name. The program has a `main` without arguments and a
    ``check(text)``; it cannot import, and runs within `limits`. A trial is a run by `method` (SMC(32) that compares its
    particles where they are weighed) within `budget`; it is fine if at least `passing` of its posterior weight passes
    the check.

    Returns the first such program, or after all attempts the one of the most passing weight, with a warning. Raises
    PlanningFailed, which carries every attempt, where no result passes, the planner fails, or Ctrl-C ends a trial.
    Source: Grand et al. 2025, "Self-Steering Language Models" (DisCIPL).
    """
    whole("write_program", attempts=attempts, max_tokens=max_tokens)
    if not isinstance(task, str) or not task.strip():
        raise ValueError(f"write_program(task={task!r}): describe the task in words")
    if not 0 <= passing <= 1:
        raise ValueError(f"write_program(passing={passing}): expected a fraction of the posterior weight, 0 to 1")
    setting = _setting(models, rewards, method, budget, limits, passing, seed)
    asked = asker(planner, planning or Importance(1), max_tokens, temperature)
    prompt = first_prompt(task, tuple(setting.models), tuple(setting.rewards))
    made: list[Attempt] = []
    for i in range(attempts):
        try:
            told = next((t for k in range(i) if asked.fits(t := conversation(prompt, made[k:]))), prompt)
            reply = asked.ask(told, seed + i)
        except Exception as error:
            raise PlanningFailed(made, f"the planner failed: {type(error).__name__}: {error}") from error
        made.append(attempt(reply, setting))
        if made[-1].stage == "done":
            return _plan(made[-1], setting, made)
        if _interrupted(made[-1]):
            raise PlanningFailed(made, "interrupted (Ctrl-C)")
    best = max(made, key=lambda a: a.verdict.weight if a.verdict else 0.0)
    if best.verdict is None or best.verdict.weight == 0:
        raise PlanningFailed(made)
    warnings.warn(f"write_program: after {attempts} attempts, {best.verdict}", stacklevel=2)
    return _plan(best, setting, made)


def _setting(models: Any, rewards: Mapping[str, Any] | None, method: Algorithm[Any] | None, budget: Budget | None,
             limits: Limits | None, passing: float, seed: int) -> Setting:
    from steersman.ppl.language import Limits

    named = dict(models) if isinstance(models, Mapping) else {"lm": models}
    return Setting(
        named, dict(rewards or {}), method or SMC(32, resample_at="factor"), budget or BUDGET,
        limits or Limits(**LIMITS), passing, seed,
    )


def _plan(chosen: Attempt, setting: Setting, made: list[Attempt]) -> Plan:
    assert chosen.module is not None and chosen.call is not None
    assert chosen.posterior is not None and chosen.verdict is not None
    return Plan(chosen.source, chosen.module, chosen.call, setting.method, chosen.posterior, chosen.verdict,
                tuple(made))


def _interrupted(last: Attempt) -> bool:
    stopped = None if last.posterior is None else last.posterior.stopped
    return stopped is not None and stopped.startswith("interrupted")
