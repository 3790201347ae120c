"""What the language asks of the things that plug into it. `models` and `inference` implement these; `ppl` imports
neither.

Members of a group share one call: the driver collects the pending effects of all particles, sorts them by
`family`, and asks the class of the members once (DESIGN section 2).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .keys import Keys

T_co = TypeVar("T_co", covariant=True)
Floats = NDArray[np.float64]


@runtime_checkable
class Distribution(Protocol[T_co]):
    """A lazy record of a distribution over values of type T; nothing is computed until the driver asks its group.

    `draw` and `log_prob` are static or class methods: they see all members of one family at once. Densities are in
    nats. A value outside the support scores -inf; it never raises.
    """

    @property
    def family(self) -> Hashable:
        """Members of one class with equal families are evaluated by one call."""
        ...

    @staticmethod
    def draw(members: Sequence[Any], keys: Keys) -> tuple[Sequence[Any], Floats]:
        """One value for each member, and log q(value), shape [n]; (None, -inf) where nothing can be drawn."""
        ...

    @staticmethod
    def log_prob(members: Sequence[Any], values: Sequence[Any]) -> Floats:
        """log p(value) of each member, shape [n]."""
        ...

    def support(self) -> Iterable[T_co] | None:
        """The support if it is finite (this enables enumeration), else None."""
        ...


class Unnormalised(Protocol[T_co]):
    """A measure that cannot be drawn from: log_prob is a log density that need not sum to one.

    `sample` draws from its `proposal` where it is given no other, so that the weight gains log p - log q; it must
    cover the measure. Given as a proposal itself, such a measure stands for its own proposal.
    """

    @property
    def family(self) -> Hashable: ...

    @property
    def proposal(self) -> Any: ...

    @staticmethod
    def log_prob(members: Sequence[Any], values: Sequence[Any]) -> Floats: ...

    def support(self) -> Iterable[T_co] | None: ...


class Sequential(Protocol[T_co]):
    """A distribution drawn atom by atom (a text, token by token): each atom is a site in the scope of the value.

    Observed or assessed it is scored whole, by `log_prob`; drawn, the driver runs the machine that `begin` returns.
    One that is unnormalised has a `proposal`, as in `Unnormalised`.
    """

    @property
    def family(self) -> Hashable: ...

    @staticmethod
    def log_prob(members: Sequence[Any], values: Sequence[Any]) -> Floats: ...

    def begin(self, proposal: Any | None) -> Machine[T_co]:
        """Start a draw from `proposal` (from the distribution itself when None), scored by this distribution."""
        ...

    @staticmethod
    def retrace(
        members: Sequence[Any], proposals: Sequence[Any | None], values: Sequence[Any], keys: Keys | None = None
    ) -> Sequence[Machine[T_co] | None]:
        """The finished machines that `begin(proposal)` would have reached in drawing each value, its atoms scored in
        one pass; None where the value is impossible. keys: for densities that can only be estimated."""
        ...

    @staticmethod
    def complete(
        machines: Sequence[Any], rests: Sequence[Sequence[Any]], keys: Keys | None = None
    ) -> Sequence[Machine[T_co] | None]:
        """Draws that are under way, finished with the given atoms, which are scored in one pass; None where they
        would have ended before the last of these atoms, or not there. keys: as in `retrace`."""
        ...


class Machine(Protocol[T_co]):
    """A resumable computation whose whole past is a small copyable state, so that it forks without replay."""

    def next(self) -> Any:
        """The pending effect, or None when the value is complete."""
        ...

    def send(self, value: Any, log_p: float, log_q: float) -> None:
        """Answer the pending effect."""
        ...

    def value(self) -> T_co:
        """The value, once `next` has returned None."""
        ...

    def fork(self) -> Machine[T_co]:
        """An independent copy in the same state."""
        ...

    def head(self, atoms: int) -> Machine[T_co]:
        """The draw as it was after so many atoms, fewer than it has now."""
        ...

    def sites(self, begin: int = 0) -> list[Any]:
        """The answered effects from the `begin`-th on as `Site`s, oldest first (made on demand)."""
        ...

    def __len__(self) -> int:
        """How many atoms are answered."""
        ...


class Billed(Protocol):
    """A distribution whose evaluation costs language-model tokens."""

    def tokens(self, value: Any | None, given: Any | None = None) -> int:
        """Tokens that drawing (value None) or scoring `value` costs, when `given` was just evaluated by the model."""
        ...


class Spelt(Protocol):
    """A distribution over tokens, or the draw of a text: it knows how to spell them, for reports."""

    @property
    def pieces(self) -> Sequence[bytes]:
        """What each token of the vocabulary stands for; empty for special tokens."""
        ...
