"""`parameterised`: a program whose `param`s are answered from outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .effects import Effect, Invocation, Observe, Param, Sample
from .program import Program, as_invocation
from .rewriting import Resume, Rewriting

T = TypeVar("T")
Answer = Callable[[Param[Any]], Any]
Mark = Callable[[Any], Any]


def parameterised(
    program: Invocation[T] | Program[..., T], answer: Answer, mark: Mark | None = None
) -> Invocation[T]:
    """The program with ``await param(...)`` answered by ``answer(effect)``, in its sub-programs and unfolds, too.

    Answers are not recorded: a replay asks again. mark: what takes the place of the distribution of every choice and
    observation. The result is a program call like any other, also for `guided`.
    """
    return _Parameters(answer, mark).invocation(as_invocation(program))


class _Parameters(Rewriting):
    __slots__ = ("answer", "mark")

    def __init__(self, answer: Answer, mark: Mark | None) -> None:
        self.answer, self.mark = answer, mark

    def resumed(self, resume: Resume, value: Any) -> Effect[Any]:
        def answered(value: Any) -> Effect[Any]:
            effect = resume(value)
            while isinstance(effect, Param):
                effect = resume(self.answer(effect))
            return effect

        return super().resumed(answered, value)

    def changed(self, effect: Effect[Any]) -> Effect[Any]:
        if self.mark is not None and isinstance(effect, (Sample, Observe)):
            effect.dist = self.mark(effect.dist)
        return effect
