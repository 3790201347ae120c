"""`infer`: one program, any method."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, overload

from steersman.ppl.effects import Invocation
from steersman.ppl.errors import AllParticlesDead
from steersman.ppl.meter import Budget
from steersman.ppl.program import Program, as_invocation

from .diagnostics.pareto import warn_of_tails
from .posterior import Posterior
from .run import Run
from .run.algorithm import Algorithm
from .run.interrupt import Interrupt
from .run.progress import Progress
from .run.schedule import execute, run_together

Model = Invocation[Any] | Program[..., Any]


@overload
def infer(program: Model, method: Algorithm[Any], *, seed: int = 0, budget: Budget | None = None,
          progress: bool | None = None) -> Posterior: ...
@overload
def infer(program: Sequence[Model], method: Algorithm[Any], *, seed: int = 0, budget: Budget | None = None,
          progress: bool | None = None) -> list[Posterior]: ...
def infer(
    program: Model | Sequence[Model], method: Algorithm[Any], *, seed: int = 0, budget: Budget | None = None,
    progress: bool | None = None,
) -> Posterior | list[Posterior]:
    """Run a method on a program and return its posterior.

    program: a program call, ``infer(story(lm, "Lily"), SMC(64))``, a program without arguments, or a list of them,
    which are run at once, sharing every language-model call; each of a list has its own seed (all `seed`) and its
    own budget, and its result equals that of a separate run. One of a list whose particles all die costs the others
    nothing: its place holds the posterior with log Z = -inf, and a warning names the killing sites. method:
    `SMC(64)`, `Importance(1000)`, `Enumerate()`, ... budget: limits that are never exceeded; a run that meets one
    returns what it has, with `posterior.stopped` set. progress: show a bar after two seconds (default: on a
    terminal).

    Warns of importance weights with a heavy tail (HeavyTail). Raises AllParticlesDead (it names the killing sites),
    BudgetTooSmall, and whatever the program raises. Ctrl-C returns the posterior so far; a second one raises
    KeyboardInterrupt.
    """
    if isinstance(method, type) or not hasattr(method, "step"):
        raise TypeError(f"infer: {method!r} is not a method; pass for example SMC(64)")
    many = isinstance(program, (list, tuple))
    models = [as_invocation(p) for p in (program if many else [program])]  # type: ignore[union-attr]
    with Interrupt() as interrupt, Progress(method.name, progress) as bar:
        runs = [Run(m, seed, budget, bar) for m in models]
        start = _execute_one_of_many if many else execute
        results = run_together([start(r, method) for r in runs], interrupt)
    if interrupt.pressed:
        warnings.warn("interrupted: the posterior holds what was finished", stacklevel=2)
    warn_of_tails(zip(models, results, strict=True))
    return results if many else results[0]


async def _execute_one_of_many(run: Run, method: Algorithm[Any]) -> Posterior:
    try:
        return await execute(run, method)
    except AllParticlesDead as dead:
        warnings.warn(f"{run.model!r}: {dead}", stacklevel=2)
        return dead.posterior  # type: ignore[no-any-return]
