"""Programs whose effects are changed on their way out, before anyone else sees them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from .effects import Effect, Invocation, Unfold

T = TypeVar("T")
E = TypeVar("E", bound=Effect[Any])
Resume = Callable[[Any], Effect[Any]]


class Rewriting(ABC):
    """What is done to every effect of a program, in its sub-programs and unfolds, too. It leaves names and kinds as
    they are, so addresses, replay and messages are those of the program itself."""

    __slots__ = ()

    def invocation(self, inner: Invocation[T]) -> Invocation[T]:
        """The program call, rewritten."""
        return Invocation(_Start(self, inner.fn), inner.args, inner.kwargs, inner.name)

    def resumed(self, resume: Resume, value: Any) -> Effect[Any]:
        """What takes the place of the next effect of a program, `value` being the answer to its last one."""
        effect = resume(value)
        if isinstance(effect, Invocation):
            return excused(self.invocation(effect))
        if isinstance(effect, Unfold):
            step = getattr(effect.step, "fn", effect.step)
            return excused(Unfold(_Start(self, step), effect.state, effect.done, effect.name))
        return self.changed(effect)

    @abstractmethod
    def changed(self, effect: Effect[Any]) -> Effect[Any]:
        """What takes the place of an effect that is no scope."""


class Wrapped:
    """Runs in place of the coroutine `inner`; to whoever looks for its line it is that coroutine."""

    __slots__ = ("inner",)

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def close(self) -> None:
        self.inner.close()

    def __getattr__(self, name: str) -> Any:  # cr_await, cr_code, cr_frame
        return getattr(self.inner, name)


def excused(effect: E) -> E:
    """An effect that stands for one that the program has awaited."""
    effect.owed_by = 0
    return effect


class _Start:
    """Calls an `async def` and rewrites the coroutine."""

    __slots__ = ("function", "rewriting")

    def __init__(self, rewriting: Rewriting, function: Callable[..., Any]) -> None:
        self.function, self.rewriting = function, rewriting

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        coroutine = self.function(*args, **kwargs)
        return _Rewritten(self.rewriting, coroutine) if hasattr(coroutine, "cr_await") else coroutine


class _Rewritten(Wrapped):
    __slots__ = ("resume", "resumed")

    def __init__(self, rewriting: Rewriting, coroutine: Any) -> None:
        super().__init__(coroutine)
        self.resume, self.resumed = coroutine.send, rewriting.resumed

    def send(self, value: Any) -> Any:
        return self.resumed(self.resume, value)
