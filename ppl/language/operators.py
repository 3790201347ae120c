"""The operators. Every one checks how large its result would be before it computes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .comparing import NUMBERS, mismatch, truth
from .containers import Items, items, joined
from .kinds import described, kind_of
from .limits import Meter
from .problems import Problem

MOST_PARTS = 200
"""Constraints that one may be made of."""
_ALGEBRA = ("model", "token", "text")


def add(meter: Meter, a: Any, b: Any) -> Any:
    if isinstance(a, str) and isinstance(b, str):
        meter.text(len(a) + len(b))
        return a + b
    kind, other = kind_of(a), kind_of(b)
    if kind in NUMBERS and other in NUMBERS:
        return _number(meter, a + b)
    if kind == other == "list":
        meter.items(len(a) + len(b))
        return joined(a, b, meter.limits)
    if kind == "context" and other in ("str", "int", "list"):
        return extended(meter, a, b)
    if "str" in (kind, other):
        raise Problem("kind", f"+ cannot join {described(a)} and {described(b)}",
                      'write the number into the text, "{x}", or use str(x)')
    raise mismatch("+", a, b)


def extended(meter: Meter, context: Any, more: Any) -> Any:
    """The context with a text, a token or a list of tokens behind it."""
    length = len(more) if not isinstance(more, int) else 1
    if isinstance(more, Items):
        for token in more:
            if isinstance(token, bool) or not isinstance(token, int):
                raise Problem("kind", f"+ adds texts and tokens to a context; a token is no {described(token)}",
                              "write context + str(x), or context + lm.encode(text)")
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
    if kind in NUMBERS and other in NUMBERS:
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
    raise mismatch("*", a, b)


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
    if kind_of(a) in _ALGEBRA and kind_of(b) in NUMBERS:
        return a**b
    _both_numbers("**", a, b)
    if isinstance(a, int) and isinstance(b, int) and b >= 0:
        meter.digits(max(a.bit_length() - 1, 0) * b if abs(a) > 1 else 1)
    result = a**b
    if isinstance(result, complex):
        raise Problem("value", f"{a} ** {b} is no real number", "test that the base is above 0 first")
    return _number(meter, result)


def both(meter: Meter, a: Any, b: Any) -> Any:
    kind = kind_of(a)
    if kind == kind_of(b) and kind in ("constraint", "mask"):
        return _mask(a, b) & b if kind == "mask" else composed(lambda: a & b, a, b)
    raise mismatch("&", a, b, "`and` joins conditions; & joins constraints or masks of tokens")


def either(meter: Meter, a: Any, b: Any) -> Any:
    kind = kind_of(a)
    if kind == kind_of(b) and kind in ("constraint", "mask"):
        return _mask(a, b) | b if kind == "mask" else composed(lambda: a | b, a, b)
    raise mismatch("|", a, b, "`or` joins conditions; | joins constraints or masks of tokens")


def composed(make: Callable[[], Any], *constraints: Any) -> Any:
    """A constraint made of others, which knows of how many. Raises Problem for too many: they would be doubled soon."""
    parts = sum(getattr(c, "composed_of", 1) for c in constraints)
    if parts > MOST_PARTS:
        raise Problem("limit", f"a constraint of {parts:,} parts is too large: the limit is {MOST_PARTS:,}",
                      "write its repetitions inside regex or grammar")
    made = make()
    if all(made is not c for c in constraints):
        made.composed_of = parts
    return made


def _mask(a: Any, b: Any) -> Any:
    if a.shape != b.shape:
        raise Problem("value", f"masks of {len(a):,} and of {len(b):,} tokens belong to different models",
                      "make both with one model: lm.tokens_where(...)")
    return a


BINARY: dict[str, Callable[[Meter, Any, Any], Any]] = {
    "+": add, "-": subtract, "*": multiply, "/": divide, "//": floor_divide, "%": modulo, "**": power, "&": both,
    "|": either,
}


def negative(meter: Meter, x: Any) -> Any:
    if kind_of(x) not in NUMBERS:
        raise Problem("kind", f"- needs a number, not {described(x)}")
    return -x


def positive(meter: Meter, x: Any) -> Any:
    if kind_of(x) not in NUMBERS:
        raise Problem("kind", f"+ needs a number, not {described(x)}")
    return +x


UNARY: dict[str, Callable[[Meter, Any], Any]] = {
    "-": negative, "+": positive, "not": lambda meter, x: not truth(x),
}


def _number(meter: Meter, x: Any) -> Any:
    if type(x) is int and (x > _LARGE or x < -_LARGE):
        meter.digits(x.bit_length())
    return x


_LARGE = 1 << 64


def _both_numbers(op: str, a: Any, b: Any) -> None:
    if kind_of(a) not in NUMBERS or kind_of(b) not in NUMBERS:
        raise mismatch(op, a, b)
