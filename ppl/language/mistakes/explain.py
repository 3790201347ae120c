"""`explain`: the first rule that knows a mistake."""

from __future__ import annotations

from . import layout, notation, places, statements, strings, symbols, words
from .expected import unexpected
from .failure import Failure, Finding

RULES = (
    *strings.RULES, *layout.RULES, *words.RULES, *places.RULES, *statements.FIRST, *notation.FIRST, *symbols.RULES,
    *notation.RULES, *statements.RULES, *statements.LAST,
)


def explain(f: Failure) -> Finding:
    for rule in RULES:
        found = rule(f)
        if found is not None:
            return found
    return unexpected(f)
