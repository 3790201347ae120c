"""`Effect`: what all effects share. Awaited, it suspends the program; used or lost without `await`, it says so."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable
from typing import Any, ClassVar, Generic, TypeVar

from .errors import MissingAwait

T = TypeVar("T")

# The serial number of the particle that is running, 0 when none is: it owes every effect that it makes an await.
running = [0]
# (particle, effect) for what a running particle has dropped without awaiting it; it looks here after every step.
dropped: list[tuple[int, str]] = []


def take_dropped(particle: int) -> list[str]:
    """What this particle has dropped since it last looked. Runs nest, so others may have entries of their own."""
    names = [name for owner, name in dropped if owner == particle]
    dropped[:] = [entry for entry in dropped if entry[0] != particle]
    return names


class Effect(Generic[T]):
    """A suspended request. Awaiting it gives a value of type T.

    owed_by: the particle that made it and has yet to await it; 0 for nobody (made outside a run, awaited, or excused).
    """

    __slots__ = ("name", "owed_by")
    kind: ClassVar[str] = "effect"
    name: Hashable
    owed_by: int

    def __await__(self) -> Generator[Effect[Any], Any, T]:
        self.owed_by = 0
        return (yield self)  # type: ignore[no-any-return]

    def __del__(self) -> None:
        if self.owed_by and self.owed_by == running[0]:
            dropped.append((self.owed_by, f"{self.kind}({self.name!r})"))

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name!r}>"

    def __getattr__(self, attribute: str) -> Any:
        if not attribute.startswith("_") and attribute != "owed_by" and self.owed_by:
            self._refuse(f".{attribute}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {attribute!r}")

    def _refuse(self, operation: str) -> None:
        self.owed_by = 0  # reported here, not again when it is dropped
        raise MissingAwait(f"{self!r} was used as a value ({operation}): write `await {self._maker()}(...)`")

    def _maker(self) -> Hashable:
        """The name of the function that a program calls to make this effect."""
        return self.kind


def _never(operation: str) -> Callable[..., Any]:
    def method(self: Effect[Any], *_: Any, **__: Any) -> Any:
        self._refuse(operation)

    return method


def _unless_owed(operation: str) -> Callable[..., Any]:
    """What any object can do, so that only in a running program it must be a mistake."""
    original = getattr(Effect, f"__{operation}__")

    def method(self: Effect[Any], *args: Any) -> Any:
        if self.owed_by:
            self._refuse(operation)
        return original(self, *args)

    return method


_OPERATORS = """
    add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow matmul rmatmul neg pos abs invert
    and rand or ror xor rxor lt le gt ge getitem iter bool float int index len contains call array_ufunc
"""
for _op in _OPERATORS.split():
    setattr(Effect, f"__{_op}__", _never(_op))
for _op in ("eq", "ne", "str", "format"):
    setattr(Effect, f"__{_op}__", _unless_owed(_op))
