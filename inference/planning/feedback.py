"""What the planner is told of a program that does not do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steersman.ppl.errors import AllParticlesDead

if TYPE_CHECKING:
    from steersman.ppl.language.diagnostics import Diagnostic
    from steersman.ppl.language.nodes import File, Span

    from .verdict import Verdict

NO_PROGRAM = "The answer holds no program. Answer with one ```steer block."


def of_source(error: Exception) -> str:
    return f"The program was not run: it has mistakes.\n\n{error}"


def of_run(error: Exception) -> str:
    kind = "" if getattr(error, "diagnostics", ()) else f"{type(error).__name__}: "
    return f"The program failed as it ran.\n\n{kind}{error}"


def of_dead(dead: AllParticlesDead) -> str:
    sites = "\n".join(f"  {n} particles died at {site}" for site, n in
                      sorted(dead.killed.items(), key=lambda kv: -kv[1]))
    return (f"Every particle died: no result has met the conditions.\n\n{sites}\n\nMake each step easier to meet: "
            "check one thing for each step, let the text be long enough to meet it (max_tokens), lead to it by "
            "`using text.favouring(...)` or a prompt that asks for it, or replace a condition by a factor.")


def of_budget(why: str) -> str:
    return (f"The budget ended before any particle had finished ({why}). Write less text: fewer steps, smaller "
            "max_tokens, and see that every loop ends.")


def no_text(value: Any) -> str:
    return f"The program must return the text, a string; it returned {value!r:.80}. End it with `return str(context)`."


def of_check(error: Exception) -> str:
    return f"`check` failed on a result.\n\n{error}"


def of_verdict(verdict: Verdict) -> str:
    return (f"The results do not do the task by the program's own `check`: {verdict}\n\nMake the conditions of the "
            "program imply the check, or mend the check if it is wrong.")


def lacks(tree: File, message: str, hint: str, span: Span | None = None) -> Diagnostic:
    """A diagnostic of what the file as a whole lacks."""
    from steersman.ppl.language.diagnostics import Diagnostic
    from steersman.ppl.language.nodes import Span as At

    at = span or At(1, 1, 1, 2)
    lines = tree.source.splitlines() or [""]
    return Diagnostic("plan", message, tree.path, at, lines[at.line - 1], hint)
