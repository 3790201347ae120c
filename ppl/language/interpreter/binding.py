"""Which argument of a call is which parameter."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ...blame import is_tracer_error
from ..diagnostics import SteerError
from ..library.signature import Argument, Builtin
from ..problems import Problem, problem_of
from ..values import described, kind_of, named, traced

Accepted = frozenset[str] | None  # None: anything


@lru_cache(maxsize=4096)
def bound(builtin: Builtin, positional: int, keywords: tuple[str, ...]) -> tuple[tuple[Argument, Accepted], ...]:
    """For each value of a call, its argument and the kinds that it may be of. Raises Problem for a call that does not
    fit, saying how it would."""
    places = [a for a in builtin.arguments if not a.keyword]
    if positional > len(places) and not builtin.variadic:
        raise _wrong(builtin, f"takes at most {len(places)} argument{'' if len(places) == 1 else 's'} by position, got "
                              f"{positional}" if places else f"takes no arguments by position, got {positional}")
    given = [places[min(i, len(places) - 1)] for i in range(positional)]
    byname = {a.name: a for a in builtin.arguments}
    for name in keywords:
        if name not in byname or (builtin.variadic and byname[name] is places[-1]):
            close = difflib.get_close_matches(name, byname, 1)
            raise _wrong(builtin, f"has no argument {name!r}" + (f"; did you mean {close[0]!r}?" if close else ""))
        if byname[name] in given:
            raise _wrong(builtin, f"is given {name!r} twice")
        given.append(byname[name])
    if missing := [a.name for a in builtin.arguments if a.required and a not in given]:
        raise _wrong(builtin, f"needs {', '.join(map(repr, missing))}")
    return tuple((a, _accepted(a)) for a in given)


def check(builtin: Builtin, plan: Sequence[tuple[Argument, Accepted]], values: Sequence[Any]) -> None:
    """Raises Problem for a value of the wrong kind."""
    for (argument, accepted), value in zip(plan, values, strict=True):
        if accepted is not None and kind_of(value) not in accepted and not traced(value):
            wanted = " or ".join(named(kind) for kind in argument.kinds)
            raise Problem("kind", f"{builtin.name}: {argument.name} must be {wanted}, not {described(value)}")


def advised(builtin: Builtin, error: Exception) -> Exception:
    """The failure of a built-in, with a hint."""
    if isinstance(error, SteerError) or is_tracer_error(error):
        return error
    problem = problem_of(error)
    return Problem(problem.code, problem.message, problem.hint or f"it is called as {shown(builtin)}: {builtin.doc}")


def shown(builtin: Builtin) -> str:
    """How a built-in is called: "text(prompt, stop=, max_tokens)"."""
    parts = []
    for a in builtin.arguments:
        part = a.name if a.required else f"{a.name}=..."
        parts.append(f"{a.name}=" if a.keyword and a.required else part)
    if builtin.variadic:
        parts.append("...")
    return f"{builtin.name}({', '.join(parts)})"


def _accepted(argument: Argument) -> Accepted:
    kinds = set(argument.kinds)
    if "any" in kinds:
        return None
    if "float" in kinds:
        kinds |= {"int", "bool"}
    if "int" in kinds:
        kinds.add("bool")
    return frozenset(kinds)


def _wrong(builtin: Builtin, why: str) -> Problem:
    return Problem("arguments", f"{builtin.name} {why}", f"it is called as {shown(builtin)}")
