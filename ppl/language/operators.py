"""The operators. Every one checks how large its result would be before it computes it."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .limits import Meter
from .problems import Problem
from .values import Items, checked_key, described, items, joined, kind_of, named, traced

_NUMBERS = ("int", "float", "bool")
_ALGEBRA = ("model", "token", "text")


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
    if kind in _NUMBERS and other in _NUMBERS:
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
    if (kind in _NUMBERS and other in _NUMBERS) or kind == other == "str":
        return int(a > b) - int(a < b)
    if kind == other == "list":
        meter.charge(1 + min(len(a), len(b)) // 16)
        for x, y in zip(a, b, strict=False):
            if found := compare(meter, x, y):
                return found
        return int(len(a) > len(b)) - int(len(a) < len(b))
    raise _mismatch("<", a, b)


def _ordered(op: Callable[[Any, Any], Any]) -> Callable[[Meter, Any, Any], Any]:
    def test(meter: Meter, a: Any, b: Any) -> Any:
        if kind_of(a) in _NUMBERS and kind_of(b) in _NUMBERS:
            return op(a, b)  # NaN is in no order
        return op(compare(meter, a, b), 0)

    return test


def contained(meter: Meter, x: Any, whole: Any) -> bool:
    """`x in whole`."""
    kind = kind_of(whole)
    if kind == "str":
        if kind_of(x) != "str":
            raise Problem("kind", f"`in` a text looks for a text, not {described(x)}")
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


def add(meter: Meter, a: Any, b: Any) -> Any:
    if isinstance(a, str) and isinstance(b, str):
        meter.text(len(a) + len(b))
        return a + b
    kind, other = kind_of(a), kind_of(b)
    if kind in _NUMBERS and other in _NUMBERS:
        return _number(meter, a + b)
    if kind == other == "list":
        meter.items(len(a) + len(b))
        return joined(a, b, meter.limits)
    if kind == "context" and other in ("str", "int", "list"):
        return extended(meter, a, b)
    if "str" in (kind, other):
        raise Problem("kind", f"+ cannot join {described(a)} and {described(b)}",
                      'write the number into the text, "{x}", or use str(x)')
    raise _mismatch("+", a, b)


def extended(meter: Meter, context: Any, more: Any) -> Any:
    """The context with a text, a token or a list of tokens behind it."""
    length = len(more) if not isinstance(more, int) else 1
    if isinstance(more, Items):
        for token in more:
            if isinstance(token, bool) or not isinstance(token, int):
                raise Problem("kind", f"+ adds texts and tokens to a context; a token is no {described(token)}")
    meter.charge(1 + length // 4 + len(context) // 256)
    return bounded(meter, context + more)


def bounded(meter: Meter, context: Any) -> Any:
    """The context, unless it has more tokens than its model reads, or than a list may have items."""
    longest = getattr(getattr(context, "lm", None), "max_length", None) or meter.limits.items
    if len(context) > longest:
        raise Problem("limit", f"the context of {len(context):,} tokens is too long: the most is {longest:,}",
                      "begin a new context with the last part of the text")
    return context


def subtract(meter: Meter, a: Any, b: Any) -> Any:
    _both_numbers("-", a, b)
    return _number(meter, a - b)


def multiply(meter: Meter, a: Any, b: Any) -> Any:
    kind, other = kind_of(a), kind_of(b)
    if kind in _NUMBERS and other in _NUMBERS:
        if isinstance(a, int) and isinstance(b, int):
            meter.digits(a.bit_length() + b.bit_length() - 1)
        return a * b
    if kind == "int" and other in ("str", "list"):
        a, b, kind, other = b, a, other, kind
    if other == "int" and kind == "str":
        meter.text(len(a) * max(b, 0))
        return a * b
    if other == "int" and kind == "list":
        meter.items(len(a) * max(b, 0))
        return items(a * b, meter.limits)
    if kind == other and kind in _ALGEBRA:
        return a * b
    raise _mismatch("*", a, b)


def divide(meter: Meter, a: Any, b: Any) -> Any:
    kind = kind_of(a)
    if kind == kind_of(b) and kind in _ALGEBRA:
        return a / b
    _both_numbers("/", a, b)
    return a / b


def floor_divide(meter: Meter, a: Any, b: Any) -> Any:
    _both_numbers("//", a, b)
    return a // b


def modulo(meter: Meter, a: Any, b: Any) -> Any:
    if isinstance(a, str):
        raise Problem("kind", "% does not write values into a text", 'write "{value}" or "{value:.2f}"')
    _both_numbers("%", a, b)
    return a % b


def power(meter: Meter, a: Any, b: Any) -> Any:
    if kind_of(a) in _ALGEBRA and kind_of(b) in _NUMBERS:
        return a**b
    _both_numbers("**", a, b)
    if isinstance(a, int) and isinstance(b, int) and b >= 0:
        meter.digits(max(a.bit_length() - 1, 0) * b if abs(a) > 1 else 1)
    result = a**b
    if isinstance(result, complex):
        raise Problem("value", f"{a} ** {b} is no real number")
    return _number(meter, result)


def both(meter: Meter, a: Any, b: Any) -> Any:
    kind = kind_of(a)
    if kind == kind_of(b) and kind in ("constraint", "mask"):
        return _mask(a, b) & b if kind == "mask" else a & b
    raise _mismatch("&", a, b, "`and` joins conditions; & joins constraints or masks of tokens")


def either(meter: Meter, a: Any, b: Any) -> Any:
    kind = kind_of(a)
    if kind == kind_of(b) and kind in ("constraint", "mask"):
        return _mask(a, b) | b if kind == "mask" else a | b
    raise _mismatch("|", a, b, "`or` joins conditions; | joins constraints or masks of tokens")


def _mask(a: Any, b: Any) -> Any:
    if a.shape != b.shape:
        raise Problem("value", f"masks of {len(a):,} and of {len(b):,} tokens belong to different models")
    return a


BINARY: dict[str, Callable[[Meter, Any, Any], Any]] = {
    "+": add, "-": subtract, "*": multiply, "/": divide, "//": floor_divide, "%": modulo, "**": power, "&": both,
    "|": either,
}


def negative(meter: Meter, x: Any) -> Any:
    if kind_of(x) not in _NUMBERS:
        raise Problem("kind", f"- needs a number, not {described(x)}")
    return -x


def positive(meter: Meter, x: Any) -> Any:
    if kind_of(x) not in _NUMBERS:
        raise Problem("kind", f"+ needs a number, not {described(x)}")
    return +x


UNARY: dict[str, Callable[[Meter, Any], Any]] = {
    "-": negative, "+": positive, "not": lambda meter, x: not truth(x),
}


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
        raise Problem("kind", f"an index is a whole number, not {described(at)}")
    if not -len(whole) <= at < len(whole):
        raise Problem("value", f"there is no item {at}: the {_WORD.get(kind, 'list')} has {len(whole):,}",
                      "indices begin at 0" if at == len(whole) else None)
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
            raise Problem("kind", f"the bounds of a slice are whole numbers, not {described(bound)}")
    if step == 0:
        raise Problem("value", "the step of a slice must not be 0")
    found = whole[start:stop:step]
    if kind == "str":
        meter.text(len(found))
        return found
    meter.items(len(found))
    return items(found, meter.limits)


def _number(meter: Meter, x: Any) -> Any:
    if type(x) is int and (x > _LARGE or x < -_LARGE):
        meter.digits(x.bit_length())
    return x


_LARGE = 1 << 64


def _both_numbers(op: str, a: Any, b: Any) -> None:
    if kind_of(a) not in _NUMBERS or kind_of(b) not in _NUMBERS:
        raise _mismatch(op, a, b)


def _mismatch(op: str, a: Any, b: Any, hint: str | None = None) -> Problem:
    return Problem("kind", f"{op} does not go with {described(a)} and {described(b)}", hint)
