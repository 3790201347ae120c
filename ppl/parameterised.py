"""`parameterised`: a program whose `param`s are answered from outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .effects import Effect, Invocation, Observe, Param, Sample, Unfold
from .program import Program, as_invocation

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
    inner = as_invocation(program)
    return Invocation(_Start(inner.fn, answer, mark), inner.args, inner.kwargs, inner.name)


class _Start:
    """Calls an `async def` and answers for it."""

    __slots__ = ("answer", "function", "mark")

    def __init__(self, function: Callable[..., Any], answer: Answer, mark: Mark | None) -> None:
        self.function, self.answer, self.mark = function, answer, mark

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        coroutine = self.function(*args, **kwargs)
        return _Coroutine(coroutine, self) if hasattr(coroutine, "cr_await") else coroutine


class _Coroutine:
    """To whoever looks for its line it is the coroutine of the program."""

    __slots__ = ("close", "inner", "start")

    def __init__(self, inner: Any, start: _Start) -> None:
        self.inner, self.start, self.close = inner, start, inner.close

    def __getattr__(self, name: str) -> Any:  # cr_await, cr_code, cr_frame
        return getattr(self.inner, name)

    def send(self, value: Any) -> Effect[Any]:
        effect: Effect[Any] = self.inner.send(value)
        while isinstance(effect, Param):
            effect = self.inner.send(self.start.answer(effect))
        return self._changed(effect)

    def _changed(self, effect: Effect[Any]) -> Effect[Any]:
        answer, mark = self.start.answer, self.start.mark
        made: Effect[Any]
        if isinstance(effect, Invocation):
            made = Invocation(_Start(effect.fn, answer, mark), effect.args, effect.kwargs, effect.name)
        elif isinstance(effect, Unfold):
            step = getattr(effect.step, "fn", effect.step)
            made = Unfold(_Start(step, answer, mark), effect.state, effect.done, effect.name)
        elif mark is not None and isinstance(effect, (Sample, Observe)):
            effect.dist = mark(effect.dist)
            return effect
        else:
            return effect
        made.owed_by = 0  # the program has awaited what it stands for
        return made
