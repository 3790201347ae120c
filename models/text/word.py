"""`WordEnd`: a text that stops where its first word ends."""

from __future__ import annotations

import codecs
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from steersman.ppl.constraints.vocabulary import Vocabulary

from .stops import Stops

_JOINTS = frozenset("'’-‐‑")  # apostrophes and hyphens: part of a word between two of its letters


@dataclass(frozen=True)
class _Reading:
    """What some bytes say. begun: they hold a letter. stop: the first character behind the word, and where. pending:
    where that character may have begun, if only what follows decides it."""

    begun: bool = False
    stop: tuple[int, str] | None = None
    pending: int | None = None


def _read(data: bytes) -> _Reading:
    text, whole = codecs.utf_8_decode(data, "surrogateescape", False)  # what is behind is an incomplete character
    at, begun = 0, False
    joint: tuple[int, str] | None = None
    for c in text:
        if c.isalnum() or (begun and unicodedata.category(c)[0] == "M"):  # with their marks: vowel signs, accents
            begun, joint = True, None
        elif begun and joint is None and c in _JOINTS:
            joint = (at, c)
        elif begun:
            return _Reading(True, joint or (at, _shown(c)))
        at += len(c.encode(errors="surrogateescape"))
    if joint is not None:
        return _Reading(True, pending=joint[0])
    return _Reading(begun, pending=whole if begun and whole < len(data) else None)


def _shown(c: str) -> str:
    return "�" if "\udc80" <= c <= "\udcff" else c  # a byte that is no character


@dataclass(frozen=True)
class WordEnd(Stops):
    """The first character, after the first letter, that is no part of a word.

    Parts of a word are letters with their marks, digits, and an apostrophe or a hyphen between two of these. A
    character whose bytes are not all there, and an apostrophe or a hyphen that ends the data, are undecided: what
    follows tells whether the word has ended there.
    """

    def first(self, data: bytes, before: int) -> tuple[int, str] | None:
        return _read(data).stop

    def open(self, data: bytes) -> tuple[int, ...]:
        pending = _read(data).pending
        return () if pending is None else (pending,)

    def touching(self, vocabulary: Vocabulary, data: bytes) -> tuple[int, ...]:
        reading = _read(data)
        undecided = data[reading.pending :] if reading.pending is not None else _incomplete(data)
        return _touching(vocabulary, b"a" * reading.begun + undecided)

    def completed_by(self, value: str) -> bool:
        return _read(value.encode()).stop is not None and _read(value[:-1].encode()).stop is None

    def described(self) -> str:
        return "the end of a word"


def _incomplete(data: bytes) -> bytes:
    """The first bytes of a character that are the last of the data."""
    return data[codecs.utf_8_decode(data, "surrogateescape", False)[1] :]


@lru_cache(maxsize=256)
def _touching(vocabulary: Vocabulary, data: bytes) -> tuple[int, ...]:
    readings = [(t, _read(data + piece)) for t, piece in enumerate(vocabulary.token_bytes) if piece]
    return tuple([t for t, reading in readings if reading.stop is not None or reading.pending is not None])
