"""Values as texts: what `str(x)` and "{x}" write."""

from __future__ import annotations

import re
from typing import Any

from .kinds import kind_of, named, traced
from .limits import Meter
from .problems import Problem

_SPEC = re.compile(r"(?:[<>^]|[+ ])?0?(\d{0,3}),?(?:\.(\d{1,2}))?[bdeEfgGosxX%]?")
WIDEST = 200


def show(meter: Meter, x: Any) -> str:
    """Raises Problem for what no text stands for: models, distributions, constraints, masks."""
    if isinstance(x, str):
        return str(x)
    parts: list[str] = []
    _write(meter, x, parts, 0, False)
    text = "".join(parts)
    meter.text(len(text))
    return text


def formatted(meter: Meter, x: Any, spec: str) -> str:
    """A number or text under a simple format: width, digits, and one of f g e d % s. Raises Problem for others."""
    found = _SPEC.fullmatch(spec)
    if found is None or int(found[1] or 0) > WIDEST:
        raise Problem("value", f"the format {spec[:40]!r} is not known",
                      f"simple ones are, such as .2f, 5d, >10 or .0%, at most {WIDEST} wide")
    if kind_of(x) not in ("bool", "int", "float", "str") or traced(x):
        raise Problem("kind", f"a format is for a number or a text, not {named(kind_of(x))}",
                      "leave the format out: {value}")
    text = format(str(x) if isinstance(x, str) else x, spec)
    meter.text(len(text))
    return text


def _write(meter: Meter, x: Any, parts: list[str], length: int, quoted: bool) -> int:
    """Append the text of x; the length of all so far, which is checked as it grows."""
    kind = kind_of(x)
    if traced(x):
        raise Problem("kind", "the number is not known yet: under a gradient method it cannot be written into a text",
                      "draw discrete things, or run it with SMC")
    if kind == "list":
        parts.append("[")
        for i, item in enumerate(x):
            parts.append(", " if i else "")
            length = _write(meter, item, parts, length + len(parts[-1]), True)
        parts.append("]")
        length += 2
    elif kind == "dict":
        parts.append("{")
        for i, (key, item) in enumerate(x.items()):
            parts.append(", " if i else "")
            length = _write(meter, key, parts, length + len(parts[-1]), True)
            parts.append(": ")
            length = _write(meter, item, parts, length + 2, True)
        parts.append("}")
        length += 2
    elif kind in ("none", "bool", "int", "float"):
        parts.append(repr(x))
        length += len(parts[-1])
    elif kind in ("str", "context"):
        meter.charge(1 + len(x) // 64)
        text = str(x)
        parts.append(repr(text) if quoted else text)
        length += len(parts[-1])
    else:
        raise Problem("kind", f"no text stands for {named(kind)}",
                      "draw from it first, x ~ ..., or call it")
    if length > meter.limits.string:
        meter.text(length)
    return length
