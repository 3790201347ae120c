"""A hand-written constraint, a finite set of texts, and a vocabulary whose tokens overlap; both small enough to sum."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator

import numpy as np

from steersman.models import TableLM
from steersman.models.where import ConditionedText
from steersman.ppl.constraints.masks import Packed, pack
from steersman.ppl.constraints.protocol import Constraint, State
from steersman.ppl.constraints.vocabulary import Tokenizer, Vocabulary


class Listed(Constraint):
    """The texts of a list."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = tuple([text.encode() for text in texts])

    def start(self, tokenizer: Tokenizer | Vocabulary) -> ListedState:
        return ListedState(Vocabulary.of(tokenizer), self.texts, b"")

    def matches(self, text: str | bytes) -> bool:
        return (text.encode() if isinstance(text, str) else text) in self.texts

    @property
    def least_bytes(self) -> int:
        return min(map(len, self.texts))


class ListedState(State):
    def __init__(self, vocabulary: Vocabulary, texts: tuple[bytes, ...], data: bytes) -> None:
        self.vocabulary, self.texts, self.data = vocabulary, texts, data

    def _alive(self, data: bytes) -> bool:
        return any(text.startswith(data) for text in self.texts)

    @property
    def accepting(self) -> bool:
        return self.data in self.texts

    @property
    def dead(self) -> bool:
        return not self._alive(self.data)

    def advance(self, token: int) -> ListedState:
        return ListedState(self.vocabulary, self.texts, self.data + self.vocabulary.token_bytes[token])

    def mask(self) -> Packed:
        pieces = self.vocabulary.token_bytes
        return pack(np.array([bool(piece) and self._alive(self.data + piece) for piece in pieces]))

    def key(self) -> Hashable:
        return self.texts, self.data


class Pieces:
    """A tokenizer over pieces that overlap; the longest match first. Token 0 is the end of text."""

    def __init__(self, pieces: Iterable[str]) -> None:
        self.token_bytes = (b"", *[piece.encode() for piece in pieces])

    def encode(self, text: str) -> tuple[int, ...]:
        data, out = text.encode(), []
        while data:
            fits = [t for t, piece in enumerate(self.token_bytes) if piece and data.startswith(piece)]
            best = max(fits, key=lambda t: len(self.token_bytes[t]))
            out.append(best)
            data = data[len(self.token_bytes[best]):]
        return tuple(out)

    def decode(self, tokens: Iterable[int]) -> str:
        return b"".join(self.token_bytes[t] for t in tokens).decode(errors="replace")


def pieces_lm(pieces: Iterable[str], seed: int = 0, scale: float = 1.0) -> TableLM:
    """A bigram model over these pieces and an end of text."""
    tokenizer = Pieces(pieces)
    lm = TableLM.random(len(tokenizer.token_bytes), seed=seed, scale=scale)
    lm.tokenizer = tokenizer
    return lm


def endings(text: ConditionedText) -> Iterator[tuple[tuple[int, ...], str, str]]:
    """(tokens, text, how it ended) of every draw of the text without its constraint, by the rules of the design."""
    pieces = text.lm.tokenizer.token_bytes

    def go(tokens: tuple[int, ...], data: bytes) -> Iterator[tuple[tuple[int, ...], str, str]]:
        for token, piece in enumerate(pieces):
            more, new = (*tokens, token), data + piece
            stops = [at for stop in text.stops.strings if (at := new.find(stop.encode())) >= 0]
            if token in text.lm.eos:
                yield more, data.decode(), "eos"
            elif stops:
                yield more, new[: min(stops)].decode(), "stop"
            elif len(more) == text.max_tokens:
                yield more, new.decode(), "length"
            else:
                yield from go(more, new)

    return go((), b"")


def truth(text: ConditionedText, weigh: object = None) -> tuple[float, dict[tuple[tuple[int, ...], str, str], float]]:
    """log P(C) and the exact conditional over draws, by summing all of them. weigh(text) -> weight; None: [text in C].
    """
    accept = (lambda s: float(text.constraint.matches(s))) if weigh is None else weigh
    mass: dict[tuple[tuple[int, ...], str, str], float] = {}
    for tokens, value, finish in endings(text):
        w = accept(value)  # type: ignore[operator]
        if w > 0:
            log_p = text.lm.score_sequences([text.context.tokens], [tokens])[0].sum()
            mass[tokens, value, finish] = w * math.exp(log_p)
    z = sum(mass.values())
    return math.log(z), {draw: m / z for draw, m in mass.items()}
