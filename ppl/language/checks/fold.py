"""Operators on constants, within bounds, so that no program makes its own checks slow."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from .value import UNKNOWN

_LONGEST = 2000
LARGEST = 1e15
"""Numbers beyond are left alone: they would overflow here and there."""
_NUMERIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "**": operator.pow,
}
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "in": lambda a, b: a in b, "not in": lambda a, b: a not in b,
}


def binary(op: str, a: Any, b: Any) -> Any:
    """`a op b` of plain data, or UNKNOWN where it is too large or an error."""
    if _number(a) and _number(b):
        if op not in _NUMERIC or (op == "**" and (abs(a) > 1e6 or abs(b) > 64)):
            return UNKNOWN
        try:
            result = _NUMERIC[op](a, b)
        except (ArithmeticError, ValueError):
            return UNKNOWN
        return result if _number(result) and abs(result) < LARGEST else UNKNOWN
    if op == "+" and type(a) is type(b) and isinstance(a, (str, list)) and len(a) + len(b) <= _LONGEST:
        return a + b
    if op == "*" and isinstance(a, (str, list)) and type(b) is int and len(a) * b <= _LONGEST:
        return a * b
    return UNKNOWN


def unary(op: str, a: Any) -> Any:
    if op == "not":
        return not a
    if not _number(a):
        return UNKNOWN
    return -a if op == "-" else +a


def compare(op: str, a: Any, b: Any) -> Any:
    try:
        return bool(_COMPARE[op](a, b))
    except TypeError:
        return UNKNOWN


def text(value: Any) -> Any:
    """What an interpolated constant reads, where that is beyond doubt."""
    return str(value) if type(value) in (str, int) else UNKNOWN


def _number(value: Any) -> bool:
    return isinstance(value, (int, float))
