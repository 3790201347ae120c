"""Masks of tokens from a `def`: asked about every token of a vocabulary, once."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..limits import Limits, Meter
from ..problems import Problem
from ..values import Function, described

KEPT = 256
A_TOKEN = 1_000
"""Steps that a def may take for one token, on average."""
SHARE = 100
"""A mask costs a run one step for so many that were taken to make it: the runs share it."""


class Masks:
    """The masks made last by the defs of one file. Keys hold the def and the model: no two are mistaken for one."""

    def __init__(self) -> None:
        self.kept: OrderedDict[Any, tuple[NDArray[np.bool_], int]] = OrderedDict()
        self.lock = Lock()

    def get(self, key: Any) -> tuple[NDArray[np.bool_], int] | None:
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
            return self.kept.get(key)

    def put(self, key: Any, mask: NDArray[np.bool_], steps: int) -> None:
        with self.lock:
            self.kept[key] = mask, steps
            if len(self.kept) > KEPT:
                self.kept.popitem(last=False)


def mask_where(meter: Meter, lm: Any, test: Function, more: tuple[Any, ...]) -> NDArray[np.bool_]:
    """[vocabulary], not to be written into. more: arguments of the def behind the text of the token. Tokens that are a
    part of a character read as U+FFFD; the end-of-text token reads as ""."""
    key = (lm, test, _key(more))
    found = test.masks.get(key)
    if found is None:
        found = _made(meter.limits, lm, test, more)
        test.masks.put(key, *found)
    mask, steps = found
    if key not in meter.known:
        meter.known.add(key)
        meter.charge(1 + steps // SHARE)
    return mask


def _made(limits: Limits, lm: Any, test: Function, more: tuple[Any, ...]) -> tuple[NDArray[np.bool_], int]:
    pieces = lm.tokenizer.token_bytes
    meter = Meter(limits)
    given = meter.left = max(limits.steps, A_TOKEN * len(pieces))
    verdicts: dict[bytes, bool] = {}
    for piece in pieces:
        if piece not in verdicts:
            answer = test.call(meter, piece.decode(errors="replace"), *more)
            if not isinstance(answer, (bool, np.bool_)):
                raise Problem("kind", f"tokens_where: {test.name} must answer True or False, not {described(answer)}",
                              "write bool(...) or a comparison")
            verdicts[piece] = bool(answer)
    mask = np.array([verdicts[piece] for piece in pieces], np.bool_)
    mask.setflags(write=False)
    return mask, given - meter.left


def _key(value: Any) -> Any:
    """Hashable, and different for values that are: 1, 1.0 and True are."""
    if isinstance(value, (tuple, list)):
        return (type(value).__name__, *map(_key, value))
    if isinstance(value, dict):
        return ("dict", *[(_key(k), _key(v)) for k, v in value.items()])
    try:
        hash(value)
    except TypeError:
        return _Held(value)
    return type(value).__name__, value


class _Held:
    """Keeps a value alive, so that its id stays its own."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


