"""One reply of the planner, tried: extracted, checked, run under a small budget, judged by its own check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from steersman.ppl.errors import AllParticlesDead, BudgetTooSmall
from steersman.ppl.meter import Budget

from ..infer import infer
from ..run.algorithm import Algorithm
from . import feedback
from .attempt import Attempt
from .extract import extract
from .verdict import judge

if TYPE_CHECKING:
    from steersman.ppl.language import Limits, Module
    from steersman.ppl.language.nodes import Definition, File

PATH = "program.steer"
"""What diagnostics call the planner's program."""


@dataclass(frozen=True)
class Setting:
    """What a program is tried with. passing: the least posterior weight that must pass the program's check."""

    models: Mapping[str, Any]
    rewards: Mapping[str, Any]
    method: Algorithm[Any]
    budget: Budget
    limits: Limits
    passing: float
    seed: int


def attempt(reply: str, setting: Setting) -> Attempt:
    """What comes of a reply. A mistake of the program, whatever it is, ends in the attempt, not in an exception."""
    source = extract(reply)
    made = Attempt(reply, source, "reply", feedback.NO_PROGRAM)
    if not source:
        return made
    try:
        module = _compile(source, setting)
    except Exception as error:  # a planner can write anything; the attempt keeps the error
        return replace(made, stage="source", problem=feedback.of_source(error), error=error)
    call = module.main()
    return _run(replace(made, module=module, call=call), setting)


def _compile(source: str, setting: Setting) -> Module:
    from steersman.ppl.language import SteerError, check, compile_source, parse

    tree = parse(source, PATH)
    found = [d for d in check(tree, PATH, models=tuple(setting.models), rewards=tuple(setting.rewards))
             if d.severity == "error"]
    if missing := _missing(tree):
        found.append(missing)
    if found:
        raise SteerError(found)
    return compile_source(
        source, PATH, models=setting.models, rewards=setting.rewards, limits=setting.limits, loader=None
    )


def _missing(tree: File) -> Any:
    """The diagnostic of a file without a program that runs by itself, or without ``check(text)``."""
    from steersman.ppl.language.nodes import Definition

    definitions = [s for s in tree.statements if isinstance(s, Definition)]
    programs = [d for d in definitions if d.kind == "program"]
    main = next((d for d in programs if d.name == "main"), programs[-1] if programs else None)
    check = next((d for d in definitions if d.kind == "def" and d.name == "check"), None)
    if main is None:
        return feedback.lacks(tree, "there is no program", "write `program main():`, which returns the text")
    if needed := [p.name for p in main.parameters if p.default is None]:
        return feedback.lacks(tree, f"program {main.name!r} is run without arguments, but needs {', '.join(needed)}",
                              "write the values of the task into constants at the top", main.name_span)
    if check is None:
        return feedback.lacks(tree, "there is no check of the result",
                              "write `def check(text):`, which returns True if the text does the task")
    return None if _takes_one(check) else feedback.lacks(
        tree, "`check` takes one argument, the text", "write `def check(text):`", check.name_span)


def _takes_one(check: Definition) -> bool:
    return len(check.parameters) >= 1 and all(p.default is not None for p in check.parameters[1:])


def _run(made: Attempt, setting: Setting) -> Attempt:
    assert made.module is not None and made.call is not None
    check = made.module.functions["check"]
    try:
        posterior = infer(made.call, setting.method, seed=setting.seed, budget=setting.budget, progress=False)
    except AllParticlesDead as dead:
        return replace(made, stage="dead", problem=feedback.of_dead(dead), error=dead, posterior=dead.posterior)
    except BudgetTooSmall as error:
        return replace(made, stage="budget", problem=feedback.of_budget(str(error)), error=error)
    except Exception as error:
        placed = made.module.explained(error)
        return replace(made, stage="run", problem=feedback.of_run(placed), error=placed)
    made = replace(made, posterior=posterior)
    if not posterior.weights.any():
        return replace(made, stage="budget", problem=feedback.of_budget(posterior.stopped or "nothing has finished"))
    if wrong := next((v for w, v in zip(posterior.weights, posterior.values, strict=True)
                      if w > 0 and not isinstance(v, str)), ""):
        return replace(made, stage="run", problem=feedback.no_text(wrong))
    try:
        verdict = judge(check, posterior)
    except Exception as error:
        return replace(made, stage="check", problem=feedback.of_check(error), error=error)
    made = replace(made, verdict=verdict)
    if verdict.weight < setting.passing or verdict.weight == 0:
        return replace(made, stage="check", problem=feedback.of_verdict(verdict))
    return replace(made, stage="done", problem=None)
