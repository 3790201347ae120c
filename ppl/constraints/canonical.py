"""`canonical()`: texts that are spelt as the tokenizer itself spells them."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cached_property
from itertools import pairwise

import numpy as np

from .masks import Packed, has
from .protocol import Constraint, State
from .vocabulary import Tokenizer, Vocabulary


class Canonical(Constraint):
    """tokens of the text = encode(text).

    A language model spreads the probability of a text over all its spellings; constraints of texts count them all.
    This one keeps a single one: ``where=regex(...) & canonical()``. It looks at tokens, not at text: every text
    `matches`. Bytes that are no text are spelt in no way.

    Tokens are masked in pairs (`Pairs`), which never loses a canonical text; the whole is tested where it may end.
    A text that a stop string cuts before the last token is judged by its pairs alone: a tokenizer gives what is left
    of it no tokens of its own.
    """

    def start(self, tokenizer: Tokenizer | Vocabulary) -> State:
        return CanonicalState(Vocabulary.of(tokenizer), ())

    def matches(self, text: str | bytes) -> bool:
        """Whether these are the bytes of a text: every text has its canonical tokens."""
        try:
            text.encode() if isinstance(text, str) else text.decode()
        except UnicodeError:
            return False
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Canonical)

    def __hash__(self) -> int:
        return hash(Canonical)

    def __repr__(self) -> str:
        return "canonical()"


def canonical() -> Constraint:
    """The tokens of the text are those that the tokenizer gives it: ``where=regex(...) & canonical()``. See
    `Canonical`."""
    return Canonical()


class CanonicalState(State):
    """tokens: those read. known: how many of the first pairs can follow one another."""

    def __init__(self, vocabulary: Vocabulary, tokens: tuple[int, ...], known: int = 0) -> None:
        self.vocabulary, self.tokens, self._known = vocabulary, tokens, known

    @cached_property
    def accepting(self) -> bool:
        if self.dead:
            return False
        try:
            text = b"".join([self.vocabulary.token_bytes[t] for t in self.tokens]).decode()
        except UnicodeDecodeError:
            return False
        return self.tokens == tuple(self.vocabulary.encode(text))

    @cached_property
    def dead(self) -> bool:
        pairs = self.vocabulary.pairs
        return not all(has(pairs.after(a), b) for a, b in pairwise(self.tokens[self._known :]))

    def advance(self, token: int) -> CanonicalState:
        known = len(self.tokens) - 1 if self.tokens and "dead" in self.__dict__ and not self.dead else self._known
        return CanonicalState(self.vocabulary, (*self.tokens, token), known)

    def mask(self) -> Packed:
        if self.dead:
            return np.zeros(self.vocabulary.words, np.uint32)
        return self.vocabulary.pairs.after(self.tokens[-1]) if self.tokens else self.vocabulary.ordinary

    def key(self) -> Hashable:
        return CanonicalState, self.tokens
