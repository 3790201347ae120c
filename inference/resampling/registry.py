"""The registry of resamplers: `@resampler("name")` adds one, `get_resampler` finds it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Protocol

import numpy as np

from steersman.ppl.keys import Key
from steersman.ppl.protocols import Floats

from .ancestry import Ancestry


class Resampler(Protocol):
    """M parents of normalised weights W [M] have n children; all randomness comes from the key."""

    def __call__(self, W: Floats, n: int, key: Key, /) -> Ancestry: ...


RESAMPLERS: dict[str, Resampler] = {}


def resampler(name: str) -> Callable[[Resampler], Resampler]:
    """Register a resampler under `name`. The registered function checks its arguments before it draws.

    Raises ValueError, when called, for weights that are no probabilities (wrong shape, negative, NaN, not summing to
    one within 1e-6) and for n < 1.
    """

    def register(scheme: Resampler) -> Resampler:
        @wraps(scheme)
        def checked(W: Floats, n: int, key: Key, /) -> Ancestry:
            return scheme(_probabilities(W, n, name), n, key)

        RESAMPLERS[name] = checked
        return checked

    return register


def get_resampler(scheme: str | Resampler) -> Resampler:
    """The resampler of that name, or `scheme` itself when it is a function already.

    Raises ValueError for an unknown name, listing those there are.
    """
    if not isinstance(scheme, str):
        return scheme
    if scheme not in RESAMPLERS:
        raise ValueError(f"unknown resampler {scheme!r}; choose from {', '.join(sorted(RESAMPLERS))}")
    return RESAMPLERS[scheme]


def _probabilities(W: Floats, n: int, name: str) -> Floats:
    W = np.asarray(W, np.float64)
    if W.ndim != 1 or not len(W):
        raise ValueError(f"{name}: weights have shape {W.shape}, expected [M] with M >= 1")
    if n < 1:
        raise ValueError(f"{name}: asked for {n} children, expected at least 1")
    total = float(W.sum())
    if total == 0.0 and not W.any():
        raise ValueError(f"{name}: all {len(W)} weights are zero, so no parent can have children")
    if not (abs(total - 1.0) <= 1e-6 and W.min() >= 0.0):  # NaN fails both
        raise ValueError(f"{name}: weights must be at least 0 and sum to 1, not {total} (least {W.min()})")
    return W
