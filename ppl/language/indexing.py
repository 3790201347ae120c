"""`whole[at]` and `whole[start:stop:step]`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .containers import items
from .kinds import described, kind_of, named, traced
from .limits import Meter
from .problems import Problem
from .values import checked_key


def indexed(meter: Meter, whole: Any, at: Any) -> Any:
    """`whole[at]`."""
    kind = kind_of(whole)
    if kind == "dict":
        if checked_key(at) not in whole:
            raise Problem("value", f"there is no key {at!r:.60} in the dict", "d.get(key, default) allows for that")
        return whole[at]
    if kind not in ("list", "str", "mask") and not traced(whole):
        raise Problem("kind", f"{named(kind)} has no items", "[...] reads a text, a list, a dict or a mask")
    if isinstance(at, bool) or not isinstance(at, (int, np.integer)):
        raise Problem("kind", f"an index is a whole number, not {described(at)}",
                      "for example [0], or [-1] for the last; use // for whole division, or int(x)")
    if not -len(whole) <= at < len(whole):
        raise Problem("value", f"there is no item {at}: the {_WORD.get(kind, 'list')} has {len(whole):,}",
                      "indices begin at 0" if at == len(whole) else "test len(...) first")
    found = whole[at]
    return bool(found) if kind == "mask" else found


_WORD = {"str": "text", "list": "list", "mask": "mask"}


def sliced(meter: Meter, whole: Any, start: Any, stop: Any, step: Any) -> Any:
    """`whole[start:stop:step]`."""
    kind = kind_of(whole)
    if kind not in ("list", "str"):
        raise Problem("kind", f"{named(kind)} has no slices", "[start:stop] reads a text or a list")
    for bound in (start, stop, step):
        if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int)):
            raise Problem("kind", f"the bounds of a slice are whole numbers, not {described(bound)}",
                          "use // for whole division, or int(x)")
    if step == 0:
        raise Problem("value", "the step of a slice must not be 0", "for example [::2], or [::-1] for the reverse")
    found = whole[start:stop:step]
    if kind == "str":
        meter.text(len(found))
        return found
    meter.items(len(found))
    return items(found, meter.limits)
