"""Built-in functions of numbers. Under a gradient method they are given JAX's traced numbers as well."""

from __future__ import annotations

import math
from typing import Any

from ..containers import Items
from ..kinds import traced
from ..limits import Meter
from ..problems import Problem
from .registry import function, may, needs

Number = Any
_FAR = 1_000
"""round(x, digits): so many digits are as good as any."""
_TESTED = r'test it first, with matches(x, r"\d+"), or draw it with where=regex(r"\d+")'


@function("float", needs("x", "float"), example="abs(-2)")
def abs_(x: Number) -> Number:
    """The absolute value."""
    return abs(x)


@function("float", needs("x", "float"), may("digits", "int"), example="round(2.675, 1)")
def round_(x: Number, digits: int | None = None) -> Number:
    """x rounded to a whole number, or to so many digits behind the point."""
    return round(x) if digits is None else round(x, max(-_FAR, min(_FAR, digits)))


@function("float", needs("x", "float"), example="exp(0)")
def exp(x: Number) -> Number:
    """e to the power of x."""
    return _smooth("exp", x) if traced(x) else math.exp(x)


@function("float", needs("x", "float"), example="log(1)")
def log(x: Number) -> Number:
    """The natural logarithm of a positive number."""
    if traced(x):
        return _smooth("log", x)
    if x <= 0:
        raise Problem("value", f"log of {x}: only positive numbers have a logarithm",
                      "to give up a particle write `condition False`")
    return math.log(x)


@function("float", needs("x", "float"), example="sqrt(9)")
def sqrt(x: Number) -> Number:
    """The square root."""
    if traced(x):
        return _smooth("sqrt", x)
    if x < 0:
        raise Problem("value", f"sqrt of {x}: a negative number has no square root")
    return math.sqrt(x)


@function("int", needs("x", "float"), example="floor(2.7)")
def floor(x: Number) -> int:
    """The largest whole number that is not above x."""
    whole: int = math.floor(_finite("floor", x))
    return whole


@function("int", needs("x", "float"), example="ceil(2.1)")
def ceil(x: Number) -> int:
    """The smallest whole number that is not below x."""
    whole: int = math.ceil(_finite("ceil", x))
    return whole


@function("int", needs("x", "float", "str"), example='int("12")', metered=True)
def int_(meter: Meter, x: Number | str) -> int:
    """A whole number: a number without what is behind its point, or what a text says."""
    if isinstance(x, str):
        meter.digits(len(x) * 10 // 3)
        try:
            return int(x)
        except ValueError:
            raise Problem("value", f"int: {x[:40]!r} is not a whole number", _TESTED) from None
    return int(_finite("int", x))


@function("float", needs("x", "float", "str"), example='float("1.5")')
def float_(x: Number | str) -> Number:
    """A number with a point, also of a text; float("inf") is infinity."""
    if traced(x):
        return x
    try:
        return float(x)
    except ValueError:
        raise Problem("value", f"float: {x[:40]!r} is not a number", _TESTED) from None


@function("float", needs("values", "list"), example="sum([1, 2, 3])", metered=True)
def sum_(meter: Meter, values: Items) -> Number:
    """The sum of a list of numbers."""
    meter.charge(len(values) // 64)
    for value in values:
        if not isinstance(value, (int, float)) and not traced(value):
            raise Problem("kind", "sum: the list must hold numbers only",
                          "to join texts write \"\".join(xs); to join lists write xs + ys")
    total = sum(values)
    if type(total) is int:
        meter.digits(total.bit_length())
    return total


def _finite(what: str, x: Number) -> Number:
    if not traced(x) and isinstance(x, float) and not math.isfinite(x):
        raise Problem("value", f"{what} of {x}: it is not finite")
    return x


def _smooth(name: str, x: Any) -> Any:
    import jax.numpy as jnp

    return getattr(jnp, name)(x)
