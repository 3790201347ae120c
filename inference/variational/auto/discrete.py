"""`AutoDiscrete`: independent categoricals over the choices of finite support."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steersman.ppl.address import Address
from steersman.ppl.dist.record import Record
from steersman.ppl.program import as_invocation
from steersman.ppl.protocols import Floats

from .finite_site import FiniteSite, log_probabilities
from .keys import key_of

Logits = dict[str, NDArray[np.float32]]


class AutoDiscrete:
    """Every site of finite support has logits of its own:  q(x_j) = exp(l_j) / sum_k exp(l_k), over the values x_j that
    the program gives any probability there.

    It is a guide (`at`, `trainables`) and the one trainable thing in it (`params`, `gradient`). The logits of a site
    are found by its address and support; a site that an execution does not make uses none. They are made when a site is
    first met, by `initialise` or in any later execution, with q = (p + uniform) / 2 of the distribution that the
    program has there then, so that no weight p / q starts above 2 and everything possible is tried.

    params: {key of the site: logits [k], float32, in the order of the support}.
    """

    def __init__(self, program: Any, *, name: str | None = None) -> None:
        self.program = as_invocation(program)
        self.name = type(self).__name__ if name is None else name
        self._params: Logits = {}

    @property
    def trainables(self) -> list[Any]:
        return [self]

    @property
    def params(self) -> Logits:
        return self._params

    @params.setter
    def params(self, new: Mapping[str, Any]) -> None:
        self._params = {key: np.asarray(logits, np.float32) for key, logits in new.items()}

    def restore(self, leaves: Mapping[str, Any]) -> None:
        """Take over logits that were saved: key -> array."""
        self.params = leaves

    def initialise(self, seed: int = 0, executions: int = 4) -> None:
        """Make the parameters of the sites that so many executions of the program meet."""
        from .initial import meet

        meet(self.program, self.at, seed, executions)

    def at(self, address: Address, dist: Any, chosen: Any = None) -> FiniteSite | None:
        """q of a site; None for one whose support is not finite, and for a point mass.

        dist: of the site in the program. chosen: the choices made before, which q does not depend on.
        """
        values = support(dist)
        if values is None:
            return None
        site = FiniteSite(self, key_of(address, _mark(values)), dist, values)
        if site.key not in self._params:
            self._params = self._params | {site.key: _first(site)}
        return site

    def gradient(self, members: Sequence[FiniteSite], values: Sequence[Any], weights: Floats) -> Logits:
        """sum_i w_i grad log q_i(x_i), like `params`:  d log q(x_j) / d l_k = [j = k] - q(x_k)."""
        out = {key: np.zeros_like(logits) for key, logits in self._params.items()}
        groups: dict[Hashable, list[int]] = {}
        for i, member in enumerate(members):
            groups.setdefault(member.family, []).append(i)
        for rows in groups.values():
            those, w = [members[i] for i in rows], np.asarray(weights, np.float64)[rows]
            slopes = -w[:, None] * np.exp(log_probabilities(those))
            slopes[np.arange(len(rows)), [m.index(values[i]) for m, i in zip(those, rows, strict=True)]] += w
            for member, slope in zip(those, slopes, strict=True):
                out[member.key] += slope.astype(np.float32)
        return out


def support(dist: Any) -> tuple[Any, ...] | None:
    """The support of a distribution, if it is finite and there is something to choose."""
    if hasattr(dist, "begin") or _is_point(dist):
        return None
    values = dist.support()
    return None if values is None else tuple(values) or None


def nothing_to_choose(dist: Any) -> bool:
    """Whether it is a point mass, or has no values at all."""
    if _is_point(dist) or hasattr(dist, "begin"):
        return _is_point(dist)
    values = dist.support()
    return values is not None and not any(True for _ in values)


def _is_point(dist: Any) -> bool:
    return isinstance(dist, Record) and dist.maker.name == "Delta"


@lru_cache(maxsize=256)
def _mark(values: tuple[Any, ...]) -> object:
    """What tells supports apart in a key: their size, or a digest where they are not 0, 1, 2, ..."""
    if values == tuple(range(len(values))):
        return (len(values),)
    return hashlib.blake2s(repr(values).encode(), digest_size=6).hexdigest()


def _first(site: FiniteSite) -> NDArray[np.float32]:
    log_p = site.log_prior()
    possible = log_p > -np.inf
    uniform = np.where(possible, -np.log(max(1, possible.sum())), -np.inf)
    q = np.logaddexp(log_p - np.logaddexp.reduce(log_p), uniform) - np.log(2.0)
    return np.where(possible, q, 0.0).astype(np.float32)
