"""How long expressions are: a statement is one step, but one of ten thousand parts is more."""

from __future__ import annotations

from ..checks.traverse import inside
from ..nodes import Node

A_STEP = 64
"""So many parts of an expression are evaluated for one step."""


def length(node: Node) -> int:
    """The steps that an expression takes beyond those of its statement and its calls."""
    return sum(1 for _ in inside(node)) // A_STEP
