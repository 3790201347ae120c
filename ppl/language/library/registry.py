"""Entering functions into the tables of built-ins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .signature import Argument, Builtin, Kind

F = TypeVar("F", bound=Callable[..., Any])

FUNCTIONS: dict[str, Builtin] = {}
MEMBERS: dict[Kind, dict[str, Builtin]] = {}


def needs(name: str, *kinds: Kind) -> Argument:
    """An argument that has to be given."""
    return Argument(name, kinds or ("any",))


def may(name: str, *kinds: Kind) -> Argument:
    """An argument with a default."""
    return Argument(name, kinds or ("any",), required=False)


def keyword(name: str, *kinds: Kind, required: bool = False) -> Argument:
    """An argument that is given by its name only."""
    return Argument(name, kinds or ("any",), required=required, keyword=True)


def function(
    returns: Kind, *arguments: Argument, example: str | None = None, variadic: bool = False, metered: bool = False,
    effect: bool = False,
) -> Callable[[F], F]:
    """The decorated function is a built-in of its own name (a "_" at its end is left out); the first line of its
    docstring is its doc."""

    def enter(fn: F) -> F:
        name = fn.__name__.rstrip("_")
        FUNCTIONS[name] = Builtin(name, arguments, returns, fn, _doc(fn), example, variadic, effect, False, metered)
        return fn

    return enter


def member(
    kind: Kind, returns: Kind, *arguments: Argument, example: str | None = None, variadic: bool = False,
    metered: bool = False, effect: bool = False, property: bool = False,
) -> Callable[[F], F]:
    """The decorated function is a member of a kind of value, which it takes first (after the meter)."""

    def enter(fn: F) -> F:
        name = fn.__name__.rstrip("_")
        MEMBERS.setdefault(kind, {})[name] = Builtin(
            name, arguments, returns, fn, _doc(fn), example, variadic, effect, property, metered
        )
        return fn

    return enter


def _doc(fn: Callable[..., Any]) -> str:
    return (fn.__doc__ or "").strip().split("\n")[0]
