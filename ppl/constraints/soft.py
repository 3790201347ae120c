"""`constraint.softly(penalty)`: texts outside the language are made unlikely instead of impossible."""

from __future__ import annotations

import math
from collections.abc import Hashable

from .both import Both
from .errors import CannotCombine
from .masks import Packed
from .protocol import Constraint, State
from .vocabulary import Tokenizer, Vocabulary


class Soft(Constraint):
    """Weight 1 for texts of the language, exp(-penalty) for all others; penalty is finite, positive, in nats.

    The penalty is charged as soon as the prefix is dead, at the latest where the text ends.
    """

    def __init__(self, inner: Constraint, penalty: float) -> None:
        if not 0 < penalty < math.inf:
            raise ValueError(f"softly: the penalty is a positive, finite number of nats, got {penalty!r}")
        if not inner.hard:
            raise CannotCombine(f"{inner!r} is soft already: add penalties up with a.softly(1) & b.softly(2)")
        self.inner, self.penalty = inner, float(penalty)

    def start(self, tokenizer: Tokenizer | Vocabulary) -> State:
        return SoftState(self.inner.start(tokenizer), self.penalty)

    def matches(self, text: str | bytes) -> bool:
        """Whether the text pays no penalty."""
        return self.inner.matches(text)

    @property
    def hard(self) -> bool:
        return False

    def log_weight(self, text: str | bytes) -> float:
        return 0.0 if self.inner.matches(text) else -self.penalty

    def __repr__(self) -> str:
        inner = f"({self.inner!r})" if isinstance(self.inner, Both) else repr(self.inner)
        return f"{inner}.softly({self.penalty:g})"


class SoftState(State):
    """inner: None once the penalty is paid."""

    def __init__(self, inner: State | None, penalty: float, vocabulary: Vocabulary | None = None) -> None:
        self.inner, self.penalty = inner, penalty
        self.vocabulary = inner.vocabulary if inner is not None else vocabulary  # type: ignore[assignment]

    @property
    def accepting(self) -> bool:
        """A text may end anywhere; see `log_end`."""
        return True

    @property
    def dead(self) -> bool:
        return False

    def advance(self, token: int) -> SoftState:
        if self.inner is None or not self.inner.allows(token):
            return SoftState(None, self.penalty, self.vocabulary)
        return SoftState(self.inner.advance(token), self.penalty)

    def mask(self) -> Packed:
        return self.vocabulary.ordinary

    def key(self) -> Hashable:
        return (SoftState, self.penalty, None if self.inner is None else self.inner.key())

    def log_weight(self, token: int) -> float:
        return 0.0 if self.inner is None or self.inner.allows(token) else -self.penalty

    @property
    def log_end(self) -> float:
        return 0.0 if self.inner is None or self.inner.accepting else -self.penalty
