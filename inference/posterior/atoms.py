"""`Atoms`: tokens and other sites in flat arrays, 16 bytes each."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from steersman.ppl.address import Address, format_address

Pieces = Sequence[bytes] | dict[int, bytes]


class Place(NamedTuple):
    """Where atoms come from: the address of a site, its kind, and, for tokens, the number of their vocabulary. The kind
    is that of the site, "text" or "token" for tokens, or "killed"."""

    address: str
    kind: str
    vocabulary: int | None = None


class Atom(NamedTuple):
    """A token, or a site that is no text. value: the bytes of a token; log_p, log_q in nats, as in `Site`."""

    place: Place
    value: Any
    log_p: float
    log_q: float


class Atoms:
    """An append-only list of atoms.

    places: where they come from; vocabularies: how tokens are spelt; values: of those that are no tokens. The columns:
    place, a number in `places`; item, a token or a number in `values`; log_p and log_q (single precision).
    """

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.vocabularies: list[Pieces] = []
        self.values: list[Any] = []
        self.place, self.item = array("i"), array("i")
        self.log_p, self.log_q = array("f"), array("f")
        self._place_of: dict[Hashable, int] = {}
        self._vocabulary_of: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.place)

    def __getitem__(self, a: int) -> Atom:
        place, item = self.places[self.place[a]], self.item[a]
        value = self.values[item] if place.vocabulary is None else self.vocabularies[place.vocabulary][item]
        return Atom(place, value, self.log_p[a], self.log_q[a])

    def add(self, place: int, value: Any, log_p: float, log_q: float) -> None:
        """One more, at a place that `at` has given."""
        self.place.append(place)
        if self.places[place].vocabulary is None:
            self.item.append(len(self.values))
            self.values.append(value)
        else:
            self.item.append(value)
        self.log_p.append(log_p)
        self.log_q.append(log_q)

    def at(self, address: Address, kind: str, vocabulary: int | None = None) -> int:
        """The number of a place."""
        key = address, kind, vocabulary
        number = self._place_of.get(key)
        if number is None:
            number = self._place_of[key] = len(self.places)
            self.places.append(Place(format_address(address), kind, vocabulary))
        return number

    def vocabulary(self, pieces: Sequence[bytes]) -> int:
        """The number of a vocabulary."""
        number = self._vocabulary_of.get(id(pieces))
        if number is None:
            number = next((i for i, known in enumerate(self.vocabularies) if known == pieces), None)
        if number is None:
            number = self._vocabulary_of[id(pieces)] = len(self.vocabularies)
            self.vocabularies.append(pieces)
        return number

    def count(self, kind: str) -> dict[str, int]:
        """Address -> how many atoms of a kind it has, the most frequent first."""
        counts = np.bincount(np.array(self.place, np.int64), minlength=len(self.places)).tolist()
        held = {place.address: n for place, n in zip(self.places, counts, strict=True) if place.kind == kind}
        return dict(sorted(held.items(), key=lambda kv: -kv[1]))
