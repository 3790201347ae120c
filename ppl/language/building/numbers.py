"""Numbers."""

from __future__ import annotations

import math
import re

from lark import Token

from ..nodes import Number
from .builder import Builder

DIGITS = 1_000
WHOLE = re.compile(r"0(_?0)*|[1-9](_?[0-9])*")
FLOAT = re.compile(r"(?:[0-9](_?[0-9])*)?(?:\.(?:[0-9](_?[0-9])*)?)?(?:[eE][+-]?[0-9]+)?")


def number(b: Builder, t: Token) -> Number:
    """A whole number of at most DIGITS digits, or a finite float."""
    text, span = str(t), b.span(t)
    value: int | float = 0
    if len(text) > DIGITS:
        b.error("bad-number", f"a number of {len(text)} digits: at most {DIGITS} are read", span, "write it as 1e100")
    elif WHOLE.fullmatch(text):
        value = int(text)
    elif FLOAT.fullmatch(text) and not text.replace("_", "").isdigit():
        value = float(text)
        if math.isinf(value):
            b.error("bad-number", f"{text} is too large", span, "the largest number is about 1.8e308")
    else:
        b.error("bad-number", f"'{text}' is not a number", span, _hint(text))
    return Number(span, value, text)


def _hint(text: str) -> str:
    if re.match("0[xXbBoO]", text):
        return "write numbers in decimal"
    if re.fullmatch("[0-9_]+", text):
        return "leave leading zeros, and all but single underscores between digits, out"
    return "write 12, 1_000, 1.5 or 1e-3; a name begins with a letter"
