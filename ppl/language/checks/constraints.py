"""Constraints that cannot be read: constant patterns, grammars and schemas, at their place in the literal."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ..library.constraints import LONGEST_SOURCE
from ..library.signature import Builtin
from .places import place_in
from .signature import Bound
from .walk import Walk


def check_constraint(walk: Walk, of: Builtin, bound: Bound) -> None:
    """Make the constraint of a call where all that it is made of is constant, and report why it cannot be made."""
    makers = _makers()
    if of.name not in makers or bound.more or not all(value.constant for _, value in bound.by.values()):
        return
    from ...constraints.errors import BadSource, ConstraintError

    name, (source, value) = next(iter(bound.by.items()))
    arguments = {n: v.known for n, (_, v) in bound.by.items() if n != name}
    if isinstance(value.known, str) and len(value.known) > LONGEST_SOURCE:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            makers[of.name](value.known, **arguments)
    except BadSource as error:
        at = place_in(source, error.line, error.column) if isinstance(value.known, str) else source.span
        walk.findings.report("bad-constraint", at, f"{error.what}: {error.why}", error.hint or _SOUND[of.name])
    except (ConstraintError, TypeError, ValueError) as error:
        walk.findings.report("bad-constraint", source, str(error), _SOUND[of.name])


def check_pattern(walk: Walk, bound: Bound) -> None:
    """A constant argument called `pattern` of other built-ins."""
    from ...constraints.errors import BadSource

    source, value = bound.by["pattern"]
    if not value.constant:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _makers()["regex"](value.known)
    except BadSource as error:
        at = place_in(source, error.line, error.column)
        walk.findings.report("bad-constraint", at, f"{error.what}: {error.why}", error.hint or _SOUND["regex"])


_SOUND = {
    "regex": 'a sound one: regex(r"[A-Z][a-z]+"); a sign that stands for itself has \\ before it',
    "grammar": 'a sound one: grammar """start: "yes" | "no" """',
    "json_schema": 'a sound one: json_schema({"type": "array", "items": {"type": "integer"}})',
    "choice": 'a sound one: choice(["yes", "no"])',
    "words": 'a sound one: words(["red", "green"])',
}
"""For mistakes that bring no hint of their own."""


def _makers() -> dict[str, Callable[..., Any]]:
    from ... import constraints as c

    return {"regex": c.regex, "grammar": c.grammar, "json_schema": c.json_schema, "choice": c.choice, "words": c.words}
