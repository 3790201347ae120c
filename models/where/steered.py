"""`SteeredToken`: the next token of a text under a constraint, as it is drawn."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from steersman.ppl.constraints.masks import has
from steersman.ppl.keys import Keys
from steersman.ppl.protocols import Floats

from .progress import Progress, allowed_tokens, fill


class SteeredToken:
    """q(x) = p(x) [x in mask] / C,  C = sum of p over the mask: a proposal whose weight p / q is C, the allowed mass.

    Where no token is allowed, nothing can be drawn, and the particle closes at this site. A constraint that has no
    exact mask is drawn from by rejection, with an unbiased estimate of C in its place (`rejection.draw`).
    """

    __slots__ = ("base", "where")

    def __init__(self, base: Any, where: Progress) -> None:
        self.base, self.where = base, where

    @property
    def family(self) -> Hashable:
        return type(self.base), self.base.family

    @property
    def models(self) -> tuple[Any, ...]:
        return getattr(self.base, "models", (self.base.family,))

    @property
    def context(self) -> Any:
        return self.base.context

    def tokens(self, value: Any | None, given: Any | None = None) -> int:
        tokens: int = self.base.tokens(value, given)
        return tokens

    def support(self) -> tuple[int, ...]:
        return allowed_tokens(self.where)

    @staticmethod
    def draw(members: Sequence[SteeredToken], keys: Keys) -> tuple[list[int | None], Floats]:
        masks = fill([m.where for m in members])
        tokens: list[int | None] = [None] * len(members)
        log_q = np.full(len(members), -np.inf)
        possible = masks.any(1)
        exact = np.array([m.where.exact for m in members], np.bool_)
        if (some := np.flatnonzero(possible & exact).tolist()):
            bases = [members[i].base.masked(masks[i]) for i in some]
            drawn, log_q[some] = type(bases[0]).draw(bases, keys.at(some))
            for i, token in zip(some, drawn, strict=True):
                tokens[i] = token
        if (some := np.flatnonzero(possible & ~exact).tolist()):
            bases = [members[i].base.masked(masks[i]) for i in some]
            from .rejection import draw

            drawn, log_q[some] = draw(bases, [members[i].where for i in some], keys.at(some))
            for i, token in zip(some, drawn, strict=True):
                tokens[i] = token
        return tokens, log_q

    @staticmethod
    def log_prob(members: Sequence[SteeredToken], values: Sequence[Any]) -> Floats:
        """log q of each value, [n]; nan, unknown, under a constraint without an exact mask: the density of what
        rejection draws cannot be computed."""
        log_q = np.full(len(members), math.nan)
        exact = [i for i, m in enumerate(members) if m.where.exact]
        inside = [i for i in exact if _is_in(members[i].where, values[i])]
        log_q[exact] = -np.inf
        if inside:
            masks = fill([members[i].where for i in inside])
            bases = [members[i].base.masked(mask) for i, mask in zip(inside, masks, strict=True)]
            log_q[inside] = type(bases[0]).log_prob(bases, [values[i] for i in inside])
        return log_q

    def __repr__(self) -> str:
        return f"{self.base!r} steered by {self.where.ends.constraint!r}"


def _is_in(where: Progress, value: Any) -> bool:
    known = isinstance(value, (int, np.integer)) and bool(0 <= value < where.ends.vocabulary.size)
    return known and has(where.mask(), int(value))
