"""Laws evaluated by NumPy or plain Python: exact in float64, a draw costs one uniform and no device call."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from ..protocols import Floats
from .categorical import CategoricalPath
from .record import Record
from .scalar_path import ScalarPath
from .scalars import LAWS
from .structure import Family


class Path(Protocol):
    """How one family is evaluated without JAX; invalid parameters give NaN densities."""

    def draw(self, members: Sequence[Record[Any]], uniforms: Floats) -> tuple[list[Any], Floats]: ...

    def log_prob(self, members: Sequence[Record[Any]], values: Sequence[Any]) -> Floats: ...

    def support(self, member: Record[Any]) -> tuple[Any, ...] | None: ...


def direct_path(family: Family, members: Sequence[Record[Any]], values: Sequence[Any] = ()) -> Path | None:
    """The path of a family, or None where NumPyro must do it: other laws, batches, tracers."""
    path = _path(family)
    if path is None or "jax" not in sys.modules:
        return path
    if any(map(traced, values)) or (isinstance(path, CategoricalPath) and any(traced(m.flat()[1][0]) for m in members)):
        return None
    return path


def traced(x: Any) -> bool:
    """Whether x is a JAX tracer."""
    if type(x) in _PLAIN:
        return False
    from jax.core import Tracer

    return isinstance(x, Tracer)


_PLAIN = frozenset({int, float, bool, np.ndarray})
_CHOICES = {name: (f"{name}Probs", f"{name}Logits") for name in ("Bernoulli", "Categorical")}


@lru_cache(maxsize=1024)
def _path(family: Family) -> Path | None:
    maker, names, tokens = family
    given = {n: t for n, t in zip(names, tokens, strict=True) if t != ("static", type(None), None)}
    for name in _CHOICES.get(maker.name, (maker.name,)):
        if name in ("CategoricalProbs", "CategoricalLogits"):
            parameter = name.removeprefix("Categorical").lower()
            if list(given) == [parameter] and given[parameter][0] == "array" and len(given[parameter][1]) == 1:
                return CategoricalPath(logits=parameter == "logits")
        elif name in LAWS and all(t in ("f", "i") for t in given.values()):
            defaults = LAWS[name].parameters
            if set(given) <= set(defaults) and all(n in given or d is not None for n, d in defaults.items()):
                place = {n: i for i, n in enumerate(given)}
                return ScalarPath(LAWS[name], tuple([(place.get(n, -1), d) for n, d in defaults.items()]))
    return None
