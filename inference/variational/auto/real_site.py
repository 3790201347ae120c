"""`RealSite`: what an automatic guide proposes for one continuous site."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from steersman.ppl.dist.record import Record
from steersman.ppl.dist.structure import Family
from steersman.ppl.keys import Keys
from steersman.ppl.protocols import Floats

if TYPE_CHECKING:
    from .gaussian import Gaussian


class Known(NamedTuple):
    """A site that has its value already: the key of its parameters, its distribution in the program, the value."""

    key: str
    dist: Record[Any]
    value: Any


class RealSite:
    """x = T(u), u normal on the real numbers: the conditional of a `Gaussian` guide at one site, given others.

    trainable: the guide, whose present parameters are used. key: of the parameters of the site. dist: of the program,
    which says what T is. given: the sites that the guide conditions on.
    """

    __slots__ = ("_family", "dist", "given", "key", "trainable")

    def __init__(
        self, trainable: Gaussian, key: str, family: Family, dist: Record[Any], given: tuple[Known, ...]
    ) -> None:
        self.trainable, self.key, self.dist, self.given = trainable, key, dist, given
        self._family = family

    @property
    def family(self) -> Hashable:
        return self.trainable, self._family

    @staticmethod
    def draw(members: Sequence[RealSite], keys: Keys) -> tuple[Sequence[Any], Floats]:
        """One value for each member, and log q [n] in nats."""
        from .transport import draw

        first = members[0]
        moments = first.trainable.moments(members)
        return draw(first._family, [m.dist for m in members], keys, *moments)

    @staticmethod
    def log_prob(members: Sequence[RealSite], values: Sequence[Any]) -> Floats:
        """log q [n] of the values, in nats; -inf outside the support."""
        from .transport import log_prob

        first = members[0]
        moments = first.trainable.moments(members)
        return log_prob(first._family, [m.dist for m in members], values, *moments)

    def support(self) -> None:
        return None

    def __repr__(self) -> str:
        return f"<{self.trainable.name}: {self.key!r} in place of {self.dist!r:.60}>"
