"""`a & b`: texts that are in both languages."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from .errors import Unsatisfiable
from .masks import Packed
from .protocol import Constraint, State
from .vocabulary import Tokenizer, Vocabulary


class Both(Constraint):
    """The intersection; weights of soft constraints multiply.

    The mask of a state is the intersection of the masks of its parts. A prefix may be alive in each part and yet have
    no continuation in both, so a particle can run into a dead end, where it has weight zero.
    """

    def __init__(self, parts: tuple[Constraint, ...]) -> None:
        self.parts = parts

    @classmethod
    def of(cls, a: Constraint, b: Constraint) -> Both:
        return cls((*_parts(a), *_parts(b)))

    def start(self, tokenizer: Tokenizer | Vocabulary) -> State:
        """Raises Unsatisfiable where the parts allow no common beginning and the empty text is not in both."""
        vocabulary = Vocabulary.of(tokenizer)
        state = BothState(tuple([part.start(vocabulary) for part in self.parts]))
        mask = state.mask()
        if state.dead or (mask is not None and not mask.any() and not state.accepting):
            raise Unsatisfiable(f"{self!r}: the parts contradict each other: no token can begin a text of all of them")
        return state

    def matches(self, text: str | bytes) -> bool:
        return all(part.matches(text) for part in self.parts)

    @property
    def hard(self) -> bool:
        return all(part.hard for part in self.parts)

    def log_weight(self, text: str | bytes) -> float:
        return sum(part.log_weight(text) for part in self.parts)

    @property
    def least_bytes(self) -> int:
        return max(part.least_bytes for part in self.parts)

    def __repr__(self) -> str:
        return " & ".join(map(repr, self.parts))


class BothState(State):
    def __init__(self, parts: tuple[State, ...]) -> None:
        self.parts, self.vocabulary = parts, parts[0].vocabulary
        self.cap = min([part.cap for part in parts if not part.exact], default=State.cap)
        self._mask: Packed | None = None

    @property
    def exact(self) -> bool:  # type: ignore[override]
        """A part without a mask is not in the mask of the whole, exact or not."""
        return all(part.exact and part.mask() is not None for part in self.parts)

    @property
    def accepting(self) -> bool:
        return all(part.accepting for part in self.parts)

    @property
    def dead(self) -> bool:
        return any(part.dead for part in self.parts)

    def advance(self, token: int) -> BothState:
        return BothState(tuple([part.advance(token) for part in self.parts]))

    def mask(self) -> Packed | None:
        if self._mask is None:
            known = [mask for part in self.parts if (mask := part.mask()) is not None]
            self._mask = np.bitwise_and.reduce(known) if known else None
        return self._mask

    def allows(self, token: int) -> bool:
        return all(part.allows(token) for part in self.parts)

    def key(self) -> Hashable:
        return (BothState, *[part.key() for part in self.parts])

    def log_weight(self, token: int) -> float:
        return sum(part.log_weight(token) for part in self.parts)

    @property
    def log_end(self) -> float:
        return sum(part.log_end for part in self.parts)


def _parts(c: Constraint) -> tuple[Constraint, ...]:
    return c.parts if isinstance(c, Both) else (c,)
