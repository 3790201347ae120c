"""Does a value depend on what JAX is tracing, and are two values the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from jax.core import Tracer

from ..dist.record import Record
from ..effects import Invocation

_PLAIN = frozenset({int, float, bool, str, bytes, type(None), np.ndarray})
_LONGEST = 1024  # containers of more items are data, not arguments
_DEPTH = 2


def depends(x: Any, depth: int = _DEPTH) -> bool:
    """Whether x is a tracer or holds one: in a container, a distribution, a program call, or (to a small depth) an
    attribute."""
    if type(x) in _PLAIN:
        return False
    if isinstance(x, Tracer):
        return True
    return any(depends(part, depth - 1 if deeper else depth) for part, deeper in _parts(x, depth))


def form(value: Any) -> tuple[str, tuple[int, ...]]:
    """The kind ("b", "i", "u", "f") and shape of numbers."""
    array = np.asarray(value)
    return array.dtype.kind, array.shape


def same(a: Any, b: Any, depth: int = _DEPTH) -> bool:
    """Whether two values are equal as far as can be told: arrays by content, objects without an equality of their own
    by their attributes."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray) or hasattr(a, "dtype"):
        return bool(np.shape(a) == np.shape(b) and np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f"))
    identity = getattr(a, "identity", None)  # of a text or token distribution
    if identity is not None and not callable(identity):
        return bool(identity == b.identity)
    if isinstance(a, (list, tuple, dict, Record, Invocation)) or _by_identity(type(a)):
        ours, theirs = list(_parts(a, depth)), list(_parts(b, depth))
        return len(ours) == len(theirs) and all(
            same(x, y, depth - 1 if deeper else depth) for (x, deeper), (y, _) in zip(ours, theirs, strict=True)
        )
    return bool(a == b)


def _by_identity(cls: Any) -> bool:
    """Whether objects of a class are equal only to themselves."""
    return bool(cls.__eq__ is object.__eq__)


def _parts(x: Any, depth: int) -> Iterator[tuple[Any, bool]]:
    """What x is made of, and whether that is an attribute of an object."""
    if isinstance(x, Record):
        yield from ((part, False) for part in (x.maker, x.names, *x.args))
    elif isinstance(x, Invocation):
        yield from ((part, False) for part in (x.fn, *x.args, *x.kwargs.values()))
    elif isinstance(x, (list, tuple, set, frozenset, dict)):
        if len(x) <= _LONGEST:
            yield from ((part, False) for part in (x.values() if isinstance(x, dict) else x))
    elif depth > 0 and not isinstance(x, type) and not callable(x):
        yield from ((part, True) for part in getattr(x, "__dict__", {}).values())
        for cls in type(x).__mro__:
            for slot in getattr(cls, "__slots__", ()):
                if hasattr(x, slot):
                    yield getattr(x, slot), True
