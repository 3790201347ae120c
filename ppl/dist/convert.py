"""What may stand for a distribution, as a record."""

from __future__ import annotations

import inspect
from typing import Any

from .direct import traced
from .method import WRAPPED
from .names import KNOWN, lookup
from .record import Record

_ACCEPTED = "a distribution of steersman.ppl.dist, a NumPyro distribution, or an object with family, draw and log_prob"


def as_distribution(x: Any) -> Any:
    """x itself if it is a distribution or a sequential distribution; a record for a NumPyro object.

    NumPyro objects of one class, structure and shapes make records of one family. Raises TypeError, saying what was
    given and what to write instead, for anything else. Never imports NumPyro.
    """
    cls = type(x)
    if isinstance(x, Record):
        return x
    if not isinstance(x, type) and hasattr(cls, "log_prob") and (hasattr(cls, "draw") or hasattr(cls, "begin")):
        return x
    if any(c.__name__ == "Distribution" and c.__module__.startswith("numpyro.distributions") for c in cls.__mro__):
        return _wrap(x)
    raise TypeError(f"expected {_ACCEPTED}; got {_describe(x)}")


def _wrap(d: Any) -> Record[Any]:
    """By name and arguments for the laws that NumPy evaluates, numbers as Python numbers; else by its pytree."""
    name = type(d).__name__
    if name not in KNOWN or not type(d).__module__.startswith("numpyro.distributions."):
        return Record(WRAPPED, ("object",), (d,))
    arguments = {p: len(d.event_shape) if p == "event_dim" else getattr(d, p) for p in KNOWN[name]}
    record: Record[Any] = lookup(name)(**{p: _plain(a) for p, a in arguments.items()})
    return record


def _plain(x: Any) -> Any:
    return x if getattr(x, "shape", None) != () or traced(x) else x.item()


def _describe(x: Any) -> str:
    kind = getattr(type(x), "kind", None)
    if hasattr(type(x), "__await__") and isinstance(kind, str):
        if kind == "program":
            return f"{x!r}, a program call; only sample() takes one"
        return f"{x!r}: a {kind}(...) effect was given where a distribution was expected; await it"
    if inspect.iscoroutine(x):
        x.close()
        return f"a coroutine ({x.__name__}): decorate the function with @program, or await it"
    if isinstance(x, type):
        return f"the class {x.__name__}; call it to make a distribution"
    if callable(x):
        return f"the function {getattr(x, '__name__', repr(x))!r}; call it first"
    return f"{type(x).__name__}: {x!r:.60}"
