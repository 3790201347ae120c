"""JSON: texts to values and back."""

from __future__ import annotations

import json
from typing import Any

from ..containers import Items, Table
from ..kinds import kind_of, named
from ..limits import Meter
from ..problems import Problem
from ..values import adopted
from .registry import function, needs

DEEPEST = 60


@function("any", needs("text", "str"), example='parse_json("[1, 2]")', metered=True)
def parse_json(meter: Meter, text: str) -> Any:
    """The value that a JSON text stands for."""
    meter.charge(1 + len(text) // 16)
    if _nesting(text) > DEEPEST:
        raise Problem("limit", f"parse_json: the text is nested more than {DEEPEST} levels deep")
    try:
        value = json.loads(text, parse_int=lambda digits: _integer(meter, digits))
        json.dumps(value, ensure_ascii=False).encode()
        return adopted(value, meter.limits)
    except UnicodeEncodeError:
        raise Problem("value", "parse_json: the text names half a character, such as \\ud800") from None
    except json.JSONDecodeError as error:
        raise Problem("value", f"parse_json: no JSON at line {error.lineno}, column {error.colno}: {error.msg}",
                      "matches(text, pattern) or a json_schema makes sure of it first") from None


@function("str", needs("value"), example='to_json({"a": [1, 2.5]})', metered=True)
def to_json(meter: Meter, value: Any) -> str:
    """A value as a JSON text."""
    size = getattr(value, "size", None)
    meter.charge(1 if size is None else 1 + size.items // 8 + size.characters // 64)
    text = json.dumps(plain(value), ensure_ascii=False)
    meter.text(len(text))
    return text


def plain(value: Any) -> Any:
    """Numbers, texts, lists and dicts without what the language adds to them. Raises Problem for other kinds."""
    kind = kind_of(value)
    if isinstance(value, Items):
        return [plain(v) for v in value]
    if isinstance(value, Table):
        return {k if k is None or isinstance(k, (bool, int, float)) else str(k): plain(v) for k, v in value.items()}
    if kind in ("none", "bool", "int", "float"):
        return value
    if kind == "str":
        return str(value)
    raise Problem("kind", f"{named(kind)} cannot be written as JSON")


def _integer(meter: Meter, digits: str) -> int:
    meter.digits(len(digits) * 10 // 3)
    return int(digits)


def _nesting(text: str) -> int:
    """At least as many levels as the text has."""
    deepest = level = 0
    for c in text:
        if c in "[{":
            level += 1
            deepest = max(deepest, level)
        elif c in "]}":
            level -= 1
    return deepest
