"""What may stand where a distribution is expected, decided once for each type."""

from __future__ import annotations

import inspect
from collections.abc import Hashable
from typing import Any

from .errors import NotADistribution

# type -> is it sequential? Filled as types are met; NumPyro objects are converted, so they are never entered.
_known: dict[type, bool] = {}


def accept(dist: Any, place: str, name: Hashable) -> tuple[Any, bool]:
    """The distribution as a lazy record, and whether it is drawn atom by atom. Raises NotADistribution with the fix."""
    sequential = _known.get(type(dist))
    if sequential is not None:
        return dist, sequential
    cls = type(dist)
    if not isinstance(dist, type):
        if hasattr(cls, "begin") and hasattr(cls, "log_prob"):
            _known[cls] = True
            return dist, True
        if hasattr(cls, "log_prob") and (hasattr(cls, "draw") or hasattr(cls, "proposal")):
            _known[cls] = False
            return dist, False
    if any(base.__module__.startswith("numpyro.distributions") for base in cls.__mro__):
        from .dist import as_distribution

        return as_distribution(dist), False
    raise NotADistribution(f"{place}({name!r}) expects a distribution, a text or a program call, got {_describe(dist)}")


def _describe(dist: Any) -> str:
    from .effects import Effect, Invocation

    if isinstance(dist, Invocation):
        dist.owed_by = 0
        return f"{dist!r}; only sample() takes a program call"
    if isinstance(dist, Effect):
        dist.owed_by = 0
        return f"{dist!r}, an effect that was not awaited: write `x = await {dist.kind}(...)` first"
    if isinstance(dist, type):
        return f"the class {dist.__name__}: call it to make a distribution"
    if inspect.iscoroutine(dist):
        dist.close()
        return f"a coroutine ({dist.__name__}): decorate the function with @program"
    if callable(dist):
        return f"the function {getattr(dist, '__name__', dist)!r}: call it first"
    return f"{type(dist).__name__}: {dist!r:.60}"
