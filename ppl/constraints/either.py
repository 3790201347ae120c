"""`a | b`: texts that are in one language or the other."""

from __future__ import annotations

import math
from collections.abc import Hashable

import numpy as np

from .errors import CannotCombine, ConstraintError, Unsatisfiable
from .masks import Packed
from .protocol import Constraint, State
from .vocabulary import Tokenizer, Vocabulary


class Either(Constraint):
    """The union. A text in both counts once."""

    def __init__(self, parts: tuple[Constraint, ...]) -> None:
        self.parts = parts

    @classmethod
    def of(cls, a: Constraint, b: Constraint) -> Either:
        """Raises CannotCombine for soft constraints: a sum of weights is no product along the text."""
        for part in (a, b):
            if not part.hard:
                raise CannotCombine(f"{part!r} is soft: write (a | b).softly(penalty)")
        return cls((*_parts(a), *_parts(b)))

    def start(self, tokenizer: Tokenizer | Vocabulary) -> State:
        """A part that this vocabulary cannot spell is left out. Raises ConstraintError where none is left."""
        vocabulary = Vocabulary.of(tokenizer)
        states: list[State] = []
        why: list[ConstraintError] = []
        for part in self.parts:
            try:
                states.append(part.start(vocabulary))
            except Unsatisfiable as error:
                why.append(error)
        if not states:
            raise Unsatisfiable(f"{self!r}: no part can be met: " + "; ".join(map(str, why)))
        return EitherState(tuple(states))

    def matches(self, text: str | bytes) -> bool:
        return any(part.matches(text) for part in self.parts)

    @property
    def least_bytes(self) -> int:
        return min(part.least_bytes for part in self.parts)

    def __repr__(self) -> str:
        return f"({' | '.join(map(repr, self.parts))})"


class EitherState(State):
    """The parts that are still alive; the last one, once all are dead."""

    def __init__(self, parts: tuple[State, ...]) -> None:
        self._parts, self.vocabulary = parts, parts[0].vocabulary
        self._mask: Packed | None = None

    @property
    def parts(self) -> tuple[State, ...]:
        if len(self._parts) > 1:
            alive = tuple([part for part in self._parts if not part.dead])
            self._parts = alive or self._parts[-1:]
        return self._parts

    @property
    def exact(self) -> bool:  # type: ignore[override]
        return all(part.exact for part in self.parts)

    @property
    def cap(self) -> int:  # type: ignore[override]
        return min([part.cap for part in self.parts if not part.exact], default=State.cap)

    @property
    def accepting(self) -> bool:
        return any(part.accepting for part in self.parts)

    @property
    def dead(self) -> bool:
        return all(part.dead for part in self.parts)

    def advance(self, token: int) -> EitherState:
        return EitherState(tuple([part.advance(token) for part in self.parts]))

    def mask(self) -> Packed | None:
        if self._mask is None:
            masks = [part.mask() for part in self.parts]
            known = [mask for mask in masks if mask is not None]
            self._mask = np.bitwise_or.reduce(known) if len(known) == len(masks) else None
        return self._mask

    def allows(self, token: int) -> bool:
        return any(part.allows(token) for part in self.parts)

    def key(self) -> Hashable:
        return (EitherState, *[part.key() for part in self.parts])

    @property
    def log_end(self) -> float:
        return 0.0 if self.accepting else -math.inf


def _parts(c: Constraint) -> tuple[Constraint, ...]:
    return c.parts if isinstance(c, Either) else (c,)
