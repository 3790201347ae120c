"""`condition_text`: what `lm.text(..., where=c)` and `text.where(c)` make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.ppl.constraints.choice import Choice
from steersman.ppl.constraints.protocol import Constraint

from .chosen import ChosenText, spellings_of
from .text import ConditionedText

if TYPE_CHECKING:
    from ..text.measure import TextMeasure


def condition_text(text: TextMeasure, constraint: Constraint) -> ConditionedText | ChosenText:
    """`text` under `constraint`.

    A choice among a few members is drawn by scoring them all, unless they have too many spellings: then token by token,
    like any other. Raises TypeError for what is no constraint, with what to write instead.
    """
    if not isinstance(constraint, Constraint):
        raise TypeError(f"where={constraint!r:.60} is no constraint: make one with {_instead(constraint)}")
    if isinstance(text, ConditionedText):
        return ConditionedText(text.base, text.constraint & constraint)
    conditioned = ConditionedText(text, constraint)
    if not isinstance(constraint, Choice):
        return conditioned
    spellings = spellings_of(conditioned, (constraint.members, constraint.tokenizations))
    return conditioned if spellings is None else ChosenText(conditioned, spellings)


def _instead(what: object) -> str:
    if isinstance(what, str):
        return "regex(...), grammar(...) or choice([...])"
    if isinstance(what, (list, tuple, set, frozenset)):
        return "choice([...])"
    if isinstance(what, dict):
        return "json_schema({...})"
    return "predicate(...)" if callable(what) else "regex, grammar, json_schema, choice, words, substring or predicate"
