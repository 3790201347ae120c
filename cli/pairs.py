"""`name=value` arguments."""

from __future__ import annotations

from collections.abc import Sequence

from .exits import USAGE
from .terminal import fail


def pairs(option: str, texts: Sequence[str]) -> dict[str, str]:
    """Name -> text of each ``option name=value``. Leaves with status 2 for one without "=", or a name given twice."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name:
            fail(f"{option} {text!r}: expected name=value", USAGE)
        if name in found:
            fail(f"{option} {name}: given twice", USAGE)
        found[name] = value
    return found
