"""`ConditionedToken`: the next token of a text under a constraint, as a target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from steersman.ppl.protocols import Floats

from .steered import SteeredToken, TokenUnderConstraint


class ConditionedToken(TokenUnderConstraint):
    """The measure  f(x) = p(x) w(x),  w(x) = [x is allowed] (or a weight of at most 1, if the constraint is soft).

    base: p, the token as the model has it; it keeps its probabilities, so that the product of these tokens is
    p(text) [text in C]. Drawn through `proposal`.
    """

    __slots__ = ()

    @property
    def proposal(self) -> SteeredToken:
        return SteeredToken(getattr(self.base, "proposal", self.base), self.where)

    @staticmethod
    def log_prob(members: Sequence[ConditionedToken], values: Sequence[Any]) -> Floats:
        """log f of each value, [n], in nats."""
        log_p = type(members[0].base).log_prob([m.base for m in members], values)
        possible = np.isfinite(log_p)
        weights = [m.where.log_weight(v) if ok else 0.0 for m, v, ok in zip(members, values, possible, strict=True)]
        return np.asarray(log_p + np.array(weights), np.float64)

    def __repr__(self) -> str:
        return f"{self.base!r} where {self.where.ends.constraint!r}"
