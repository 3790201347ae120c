"""`SteeredToken`: the next token of a text under a constraint, as it is drawn."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steersman.ppl.constraints.masks import has
from steersman.ppl.keys import Keys
from steersman.ppl.protocols import Floats

from ..algebra import trainable_in
from . import rejection
from .progress import Progress, allowed_tokens, fill

if TYPE_CHECKING:
    from steersman.ppl.trainable import Trainable


class TokenUnderConstraint:
    """What the target and its proposal share. base: the token as the model has it."""

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
    def trainable(self) -> Trainable | None:
        return trainable_in(self.models)

    @property
    def context(self) -> Any:
        return self.base.context

    def tokens(self, value: Any | None, given: Any | None = None) -> int:
        tokens: int = self.base.tokens(value, given)
        return tokens

    def support(self) -> tuple[int, ...]:
        return allowed_tokens(self.where)


class SteeredToken(TokenUnderConstraint):
    """q(x) = p(x) [x in mask] / C,  C = sum of p over the mask: a proposal whose weight p / q is C, the allowed mass.

    Where no token is allowed, nothing can be drawn, and the particle closes at this site. A constraint that has no
    exact mask is drawn from by rejection, with an unbiased estimate of C in its place (`rejection.draw`).
    """

    __slots__ = ()

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
            wheres = [members[i].where for i in some]
            drawn, log_q[some] = rejection.draw([members[i].base for i in some], wheres, keys.at(some))
            for i, token in zip(some, drawn, strict=True):
                tokens[i] = token
        return tokens, log_q

    @staticmethod
    def log_prob(members: Sequence[SteeredToken], values: Sequence[Any]) -> Floats:
        """log q of each value, [n]. Under a constraint without an exact mask every token is tried, for the density that
        rejection with a cap of 0 has; `estimate_log_prob` is what belongs to its draws."""
        return _log_prob(members, values, None)

    @staticmethod
    def estimate_log_prob(members: Sequence[SteeredToken], values: Sequence[Any], keys: Keys) -> Floats:
        """log q of each value, [n]: exact where the mask is, else with a random W (see `rejection`), of the law that it
        has where the value is drawn; 1/W is unbiased."""
        return _log_prob(members, values, keys)

    def __repr__(self) -> str:
        return f"{self.base!r} steered by {self.where.ends.constraint!r}"


def _is_in(where: Progress, value: Any) -> bool:
    known = isinstance(value, (int, np.integer)) and bool(0 <= value < where.ends.vocabulary.size)
    return known and has(where.mask(), int(value))


def _log_prob(members: Sequence[SteeredToken], values: Sequence[Any], keys: Keys | None) -> Floats:
    log_q = np.full(len(members), -np.inf)
    inside = [i for i, m in enumerate(members) if m.where.exact and _is_in(m.where, values[i])]
    if inside:
        masks = fill([members[i].where for i in inside])
        bases = [members[i].base.masked(mask) for i, mask in zip(inside, masks, strict=True)]
        log_q[inside] = type(bases[0]).log_prob(bases, [values[i] for i in inside])
    if (some := [i for i, m in enumerate(members) if not m.where.exact]):
        log_q[some] = rejection.estimate(
            [members[i].base for i in some], [members[i].where for i in some], [values[i] for i in some],
            None if keys is None else keys.at(some),
        )
    return log_q
