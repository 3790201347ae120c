"""What a constraint is: a language of texts, and states that read a text token by token."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from .masks import Packed, has
from .vocabulary import Tokenizer, Vocabulary

if TYPE_CHECKING:
    from .soft import Soft


class State(ABC):
    """How far a constraint has read. A value: `advance` gives another state and changes nothing.

    accepting: the text so far is in the language. dead: no continuation is (this can be certified; a state that is not
    dead need not have one). Special tokens are never asked about: the text ends where `accepting` (or where `log_end`
    says what that costs).
    """

    vocabulary: Vocabulary
    exact: bool = True
    """Whether `mask` is all that `allows` asks; if not, every token of the mask has to be tried."""
    cap: int = 64
    """Where not `exact`: after how many tokens that turned out not to be allowed a draw tries all that are left."""

    @property
    @abstractmethod
    def accepting(self) -> bool: ...

    @property
    @abstractmethod
    def dead(self) -> bool: ...

    @abstractmethod
    def advance(self, token: int) -> State:
        """The state after one more token. Nothing is computed before something is asked."""

    @abstractmethod
    def mask(self) -> Packed | None:
        """The tokens after which the state is not dead, [ceil(V / 32)], or more than these where it is not `exact`;
        None where nothing is known about them. Nobody writes into it."""

    @abstractmethod
    def key(self) -> Hashable:
        """States with equal keys have equal futures: they share one mask."""

    def allows(self, token: int) -> bool:
        """Whether the state after this token is not dead."""
        mask = self.mask()
        if self.exact and mask is not None:
            return has(mask, token)
        return (mask is None or has(mask, token)) and not self.advance(token).dead

    def log_weight(self, token: int) -> float:
        """What a text that goes on with this token is weighed by, in nats: 0, or -inf where it is not allowed. Soft
        constraints have finite weights."""
        return 0.0 if self.allows(token) else -math.inf

    @property
    def log_end(self) -> float:
        """What a text that ends here is weighed by, in nats: 0 where it is in the language, else -inf. Soft
        constraints have finite weights."""
        return 0.0 if self.accepting else -math.inf

    @staticmethod
    def fill(states: Sequence[State], out: Packed) -> None:
        """Write the masks of states [n] into out [n, ceil(V / 32)]; where nothing is known, all ordinary tokens.
        States of one key are asked once."""
        seen: dict[Hashable, int] = {}
        for i, state in enumerate(states):
            first = seen.setdefault(state.key(), i)
            if first < i:
                out[i] = out[first]
            else:
                mask = state.mask()
                out[i] = state.vocabulary.ordinary if mask is None else mask


class Constraint(ABC):
    """A set of texts, or (soft) weights on texts; an immutable value.

    ``lm.text(prompt, where=c, ...)`` conditions on it. `&` and `|` combine constraints of every kind.
    """

    @abstractmethod
    def start(self, tokenizer: Tokenizer | Vocabulary) -> State:
        """The state at the beginning of a text. Raises ConstraintError where this vocabulary cannot spell any text of
        the language."""

    @abstractmethod
    def matches(self, text: str | bytes) -> bool:
        """Whether a whole text is in the language."""

    @property
    def hard(self) -> bool:
        """Whether texts are in or out, rather than more or less likely."""
        return True

    def log_weight(self, text: str | bytes) -> float:
        """What a whole text is weighed by, in nats: 0 if it is in the language, else -inf (finite, if
        the constraint is soft)."""
        return 0.0 if self.matches(text) else -math.inf

    @property
    def least_bytes(self) -> int:
        """No text of the language is shorter (0 where nothing better is known)."""
        return 0

    def __and__(self, other: Constraint) -> Constraint:
        from .both import Both

        return Both.of(self, other) if isinstance(other, Constraint) else NotImplemented

    def __or__(self, other: Constraint) -> Constraint:
        from .either import Either

        return Either.of(self, other) if isinstance(other, Constraint) else NotImplemented

    def softly(self, penalty: float) -> Soft:
        """The soft version: a text outside the language is weighed by exp(-penalty) instead of 0; penalty in nats."""
        from .soft import Soft

        return Soft(self, penalty)
