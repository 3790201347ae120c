"""What the particles did, as small numbers that a script can read."""

from __future__ import annotations

import codecs
import math
from collections.abc import Iterable
from typing import Any

from ..posterior.atoms import Atom, Place
from .limits import LETTERS

NOTHING = -1
IMPOSSIBLE = -99_999
Pending = tuple[Place | None, bytes]
START: Pending = (None, b"")


class Ink:
    """places: [address, kind] of every site that was met; pieces: every string that was written. Both are only listed
    once, and meant by their numbers."""

    def __init__(self) -> None:
        self.places: list[tuple[str, str]] = []
        self.pieces: list[str] = []
        self._places: dict[tuple[str, str], int] = {}
        self._pieces: dict[str, int] = {}

    def write(self, atoms: Iterable[Atom], pending: Pending = START) -> tuple[list[int], Pending]:
        """Four numbers for each atom: place, piece, 100 log p and 100 times what it added to the log weight (nats).

        pending: the text that is being written, and its bytes that are no whole character yet; a character that is
        spread over tokens is written by the last of them. A piece of -1 is no text: a special token, say.
        """
        out: list[int] = []
        for atom in atoms:
            place, begun = pending
            if place != atom.place:
                if begun and out:
                    out[-3] = self._piece((self.pieces[out[-3]] if out[-3] >= 0 else "") + "\ufffd")
                begun = b""
            text, begun = self._text(atom, begun)
            pending = atom.place, begun
            gain = atom.log_p - atom.log_q if atom.place.kind in ("sample", "text", "token") else atom.log_p
            if atom.place.kind == "twist":
                gain = float(atom.value)
            kind = "text" if atom.place.kind == "sample" and isinstance(atom.value, str) else atom.place.kind
            piece = NOTHING if text is None else self._piece(text)
            out += [self._place(atom.place.address, kind), piece, _cents(atom.log_p), _cents(gain)]
        return out, pending

    def _text(self, atom: Atom, begun: bytes) -> tuple[str | None, bytes]:
        if isinstance(atom.value, bytes):
            if not atom.value:
                return None, begun
            decoder = codecs.getincrementaldecoder("utf-8")("replace")
            decoder.setstate((begun, 0))
            return decoder.decode(atom.value), decoder.getstate()[0]
        return (None if atom.value is None else shown(atom.value)), b""

    def _piece(self, text: str) -> int:
        return _number(self.pieces, self._pieces, text)

    def _place(self, address: str, kind: str) -> int:
        return _number(self.places, self._places, (address, kind))


def shown(value: Any, limit: int = LETTERS) -> str:
    """A value as a reader sees it; long ones are cut."""
    text = str(value) if isinstance(value, str) else f"{value:.6g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= limit else text[:limit] + " …"


def _number(known: list[Any], numbers: dict[Any, int], item: Any) -> int:
    number = numbers.setdefault(item, len(known))
    if number == len(known):
        known.append(item)
    return number


def _cents(x: float) -> int:
    """100 x, rounded; nan counts as 0."""
    return 0 if math.isnan(x) else round(100 * max(-999.0, min(999.0, x))) if math.isfinite(x) else IMPOSSIBLE
