"""Checking the sizes that methods are given."""

from __future__ import annotations

import operator
from typing import Any


def whole(method: str, **sizes: Any) -> None:
    """Raise ValueError, naming the argument, unless every size is a whole number of at least 1."""
    for name, size in sizes.items():
        try:
            enough = operator.index(size) >= 1
        except TypeError:
            enough = False
        if not enough:
            raise ValueError(f"{method}: {name}={size!r} must be a whole number, at least 1")
