"""Histories as JSON."""

from __future__ import annotations

import math
from array import array
from typing import Any

from .atoms import Place
from .history import History


class Shown:
    """What is left of a saved value that JSON cannot hold: how it was written."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def encode_history(history: History) -> dict[str, Any]:
    """A dict of plain lists that strict JSON can hold; densities to four decimals, values that are no text or number
    only as they are written, of the vocabularies the tokens that occur."""
    held = history.held
    used: list[set[int]] = [set() for _ in held.vocabularies]
    vocabulary_at = [place.vocabulary for place in held.places]
    for place, item in zip(held.place, held.item, strict=True):
        if (vocabulary := vocabulary_at[place]) is not None:
            used[vocabulary].add(item)
    return {
        "full": history.full,
        "places": [list(place) for place in held.places],
        "vocabularies": [
            [[token, pieces[token].decode("latin-1")] for token in sorted(tokens)]
            for pieces, tokens in zip(held.vocabularies, used, strict=True)
        ],
        "values": [_encode(value) for value in held.values],
        "starts": [starts.tolist() for starts in history.starts],
        "rewritten": [sorted(slots) for slots in history.rewritings],
        "place": held.place.tolist(),
        "item": held.item.tolist(),
        "log_p": [_rounded(x) for x in held.log_p],
        "log_q": [_rounded(x) for x in held.log_q],
    }


def decode_history(record: dict[str, Any]) -> History:
    """Read what `encode_history` wrote, to look at, not to append to. Raises KeyError for missing fields."""
    history = History()
    held = history.held
    history.full = record["full"]
    held.places = [Place(*place) for place in record["places"]]
    held.vocabularies = [
        {token: piece.encode("latin-1") for token, piece in pieces} for pieces in record["vocabularies"]
    ]
    held.values = [Shown(v["shown"]) if isinstance(v, dict) else v for v in record["values"]]
    history.starts = [array("i", starts) for starts in record["starts"]]
    history.rewritings = [frozenset(slots) for slots in record["rewritten"]]
    held.place, held.item = array("i", record["place"]), array("i", record["item"])
    held.log_p, held.log_q = (
        array("f", [-math.inf if x is None else x for x in record[name]]) for name in ("log_p", "log_q")
    )
    return history


def _encode(value: Any) -> Any:
    if isinstance(value, str):
        return str(value)
    if value is None or type(value) in (bool, int) or (type(value) is float and math.isfinite(value)):
        return value
    return {"shown": f"{value!r:.200}"}


def _rounded(x: float) -> float | None:
    return round(x, 4) if math.isfinite(x) else None
