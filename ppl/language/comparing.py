"""Truth, equality, order and membership."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from .kinds import described, kind_of, named, traced
from .limits import Meter
from .problems import Problem
from .values import checked_key

NUMBERS = ("int", "float", "bool")


def truth(x: Any) -> bool:
    """Raises Problem for what is neither true nor false: models, distributions, constraints, masks."""
    kind = kind_of(x)
    if kind in ("none", "bool", "int", "float", "str", "list", "dict"):
        return bool(x)
    raise Problem("kind", f"{named(kind)} is neither true nor false", "compare it with something, or test its length")


def equal(meter: Meter, a: Any, b: Any) -> Any:
    """Numbers, texts, lists, dicts and contexts are equal by what they hold; all else only to itself."""
    if a is b:
        return True
    kind, other = kind_of(a), kind_of(b)
    if kind in NUMBERS and other in NUMBERS:
        return a == b if traced(a) or traced(b) else bool(a == b)
    if kind != other:
        return False
    if kind == "list":
        meter.charge(1 + len(a) // 16)
        return len(a) == len(b) and all(equal(meter, x, y) for x, y in zip(a, b, strict=True))
    if kind == "dict":
        meter.charge(1 + len(a) // 16)
        return len(a) == len(b) and all(k in b and equal(meter, v, b[k]) for k, v in a.items())
    if kind == "mask":
        raise Problem("kind", "masks cannot be compared as a whole", "mask[token] says whether a token is in it")
    return bool(a == b)


def compare(meter: Meter, a: Any, b: Any) -> int:
    """-1, 0 or 1: the order of two numbers, two texts or two lists. Raises Problem for others."""
    kind, other = kind_of(a), kind_of(b)
    if (kind in NUMBERS and other in NUMBERS) or kind == other == "str":
        return int(a > b) - int(a < b)
    if kind == other == "list":
        meter.charge(1 + min(len(a), len(b)) // 16)
        for x, y in zip(a, b, strict=False):
            if found := compare(meter, x, y):
                return found
        return int(len(a) > len(b)) - int(len(a) < len(b))
    raise mismatch("<", a, b)


def mismatch(op: str, a: Any, b: Any, hint: str | None = None) -> Problem:
    """An operator between kinds that it does not join."""
    return Problem("kind", f"{op} does not go with {described(a)} and {described(b)}",
                   hint or "both sides have to be of one kind: str(x), int(x) and float(x) make others")


def _ordered(op: Callable[[Any, Any], Any]) -> Callable[[Meter, Any, Any], Any]:
    def test(meter: Meter, a: Any, b: Any) -> Any:
        if kind_of(a) in NUMBERS and kind_of(b) in NUMBERS:
            return op(a, b)  # NaN is in no order
        return op(compare(meter, a, b), 0)

    return test


def contained(meter: Meter, x: Any, whole: Any) -> bool:
    """`x in whole`."""
    kind = kind_of(whole)
    if kind == "str":
        if kind_of(x) != "str":
            raise Problem("kind", f"`in` a text looks for a text, not {described(x)}", "write str(x) in ...")
        meter.charge(1 + len(whole) // 256)
        return x in whole
    if kind == "list":
        meter.charge(1 + len(whole) // 32)
        return any(equal(meter, x, y) for y in whole)
    if kind == "dict":
        return checked_key(x) in whole
    raise Problem("kind", f"nothing is `in` {named(kind)}", "`in` looks into a text, a list or a dict")


COMPARISONS: dict[str, Callable[[Meter, Any, Any], Any]] = {
    "==": equal,
    "!=": lambda meter, a, b: not equal(meter, a, b),
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "in": contained,
    "not in": lambda meter, a, b: not contained(meter, a, b),
}
