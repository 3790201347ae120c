"""`FiniteSite`: what an automatic guide proposes for one choice of finite support."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steersman.ppl.dist.record import Record
from steersman.ppl.keys import Keys
from steersman.ppl.protocols import Floats

if TYPE_CHECKING:
    from .discrete import AutoDiscrete


class FiniteSite:
    """The categorical of an `AutoDiscrete` guide at one site.

    trainable: the guide, whose present logits are used. key: of the logits of the site. dist: of the program; what is
    impossible there is never proposed. values: its support.
    """

    __slots__ = ("_log_prior", "_places", "dist", "key", "trainable", "values")

    def __init__(self, trainable: AutoDiscrete, key: str, dist: Any, values: tuple[Any, ...]) -> None:
        self.trainable, self.key, self.dist, self.values = trainable, key, dist, values
        self._log_prior: Floats | None = None
        self._places: dict[Any, int] | None = None

    @property
    def family(self) -> Hashable:
        return self.trainable, len(self.values), type(self.dist), self.dist.family

    @staticmethod
    def draw(members: Sequence[FiniteSite], keys: Keys) -> tuple[Sequence[Any], Floats]:
        """One value for each member, and log q [n] in nats. A member whose distribution gives nothing any probability
        yields (None, -inf)."""
        log_q = log_probabilities(members)
        cumulative = np.cumsum(np.exp(log_q), -1)
        total = cumulative[:, -1]
        threshold = np.minimum(keys.uniform() * total, np.nextafter(total, 0.0))
        index = np.minimum((cumulative <= threshold[:, None]).sum(-1), log_q.shape[1] - 1)
        drawn = log_q[np.arange(len(members)), index]
        return [
            None if lq == -np.inf else m.values[j] for m, j, lq in zip(members, index.tolist(), drawn, strict=True)
        ], drawn

    @staticmethod
    def log_prob(members: Sequence[FiniteSite], values: Sequence[Any]) -> Floats:
        """log q [n] of the values, in nats; -inf outside the support."""
        log_q = log_probabilities(members)
        places = [m.find(v) for m, v in zip(members, values, strict=True)]
        return np.array([-np.inf if j is None else log_q[i, j] for i, j in enumerate(places)])

    def support(self) -> tuple[Any, ...]:
        return self.values

    def log_prior(self) -> Floats:
        """log p of every value of the support under the distribution of the program, [k]."""
        if self._log_prior is None:
            _score_priors([self])
        assert self._log_prior is not None
        return self._log_prior

    def find(self, value: Any) -> int | None:
        """Where a value is in the support; None for one that is not there."""
        if self._places is None:
            self._places = {x: j for j, x in enumerate(self.values)}
        try:
            return self._places.get(value)
        except TypeError:  # no such value is in a finite support
            return None

    def index(self, value: Any) -> int:
        """Where a value is in the support. Raises ValueError for one that is not there."""
        found = self.find(value)
        if found is None:
            raise ValueError(f"{value!r:.60} is not in the support of {self!r}")
        return found

    def __repr__(self) -> str:
        return f"<{self.trainable.name}: {self.key!r} in place of {self.dist!r:.60}>"


def log_probabilities(members: Sequence[FiniteSite]) -> Floats:
    """log q of every value of the support of members with supports of one size, [n, k]."""
    _score_priors(members)
    logits = np.stack([m.trainable.params[m.key] for m in members]).astype(np.float64)
    logits[np.stack([m.log_prior() for m in members]) == -np.inf] = -np.inf
    with np.errstate(invalid="ignore"):  # nothing is possible: all stay at -inf
        log_q = logits - np.logaddexp.reduce(logits, -1, keepdims=True)
    return np.where(logits == -np.inf, -np.inf, log_q)


def _score_priors(members: Sequence[FiniteSite]) -> None:
    """log p of every value, by one call; equal distributions are scored once."""
    missing = [m for m in members if m._log_prior is None]
    distinct: dict[Any, list[FiniteSite]] = {}
    for m in missing:
        distinct.setdefault(m.dist if isinstance(m.dist, Record) else id(m.dist), []).append(m)
    if not distinct:
        return
    first = [those[0] for those in distinct.values()]
    dists = [m.dist for m in first for _ in m.values]
    scores = np.asarray(type(first[0].dist).log_prob(dists, [v for m in first for v in m.values]), np.float64)
    for those, log_p in zip(distinct.values(), np.split(scores, len(first)), strict=True):
        for m in those:
            m._log_prior = log_p
