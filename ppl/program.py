"""`@program`: an async function as a generative program."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Coroutine
from typing import Any, Generic, ParamSpec, TypeVar

from .effects import Invocation

P = ParamSpec("P")
T = TypeVar("T")


class Program(Generic[P, T]):
    """Calling it gives an `Invocation`: nothing runs until it is awaited in a program or given to `infer`."""

    def __init__(self, fn: Callable[P, Coroutine[Any, Any, T]]) -> None:
        self.fn = fn
        functools.update_wrapper(self, fn)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Invocation[T]:
        return Invocation(self.fn, args, kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Program[..., T]:
        """A program written as a method is bound like any other method."""
        return self if instance is None else Program(types.MethodType(self.fn, instance))

    def __repr__(self) -> str:
        return f"<program {_name(self.fn)!r}>"


def program(fn: Callable[P, Coroutine[Any, Any, T]]) -> Program[P, T]:
    """Decorate an ``async def`` as a program. Its effects are awaited; it must be a function of their values."""
    if not inspect.iscoroutinefunction(fn):
        raise TypeError(f"@program expects an `async def` function, got {fn!r}: write `async def {_name(fn)}(...)`")
    return Program(fn)


def as_invocation(model: Any) -> Invocation[Any]:
    """What `infer` and the verbs accept as a model: a program call, or a program that needs no arguments."""
    if isinstance(model, Invocation):
        model.owed_by = 0
        return model
    if isinstance(model, Program):
        if missing := required(model):
            raise TypeError(f"program {_name(model.fn)!r} needs arguments ({', '.join(missing)}): pass "
                            f"{_name(model.fn)}({', '.join(missing)}) instead of {_name(model.fn)}")
        return as_invocation(model())
    if inspect.iscoroutinefunction(model):
        raise TypeError(f"{_name(model)!r} is an async function without @program: decorate it")
    if inspect.iscoroutine(model):
        model.close()
        raise TypeError(f"{model.__name__!r} is a coroutine, not a program call: decorate the function with @program")
    raise TypeError(f"expected a program or a program call, got {type(model).__name__}: {model!r:.80}")


def required(model: Program[..., Any]) -> list[str]:
    """The arguments that a program cannot be called without."""
    return [
        p.name
        for p in inspect.signature(model.fn).parameters.values()
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]


def _name(fn: Any) -> str:
    return str(getattr(fn, "__name__", fn))
