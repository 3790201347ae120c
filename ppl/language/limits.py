"""What a run of a program may use, and the meter that counts it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, fields

from .problems import OverLimit

LONG_WORK = 64
"""So many characters of a new text count as one step; a quarter as many items of a list do."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one run of a program (its sub-programs included) or of one call of a function.

    steps: statements, calls, and items looped over; long texts, lists and expressions cost more. iterations: of one
    loop. string: characters of a text. items: of a list or dict, nested ones included. recursion: programs and
    functions inside one another. digits: of an integer.
    """

    steps: int = 1_000_000
    iterations: int = 10_000
    string: int = 1_000_000
    items: int = 100_000
    recursion: int = 50
    digits: int = 1_000

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"Limits: {field.name} must be a whole number, at least 1, got {value!r}")


class Meter:
    """How many steps are left. A fork of a particle starts anew and replays, so it counts what it replays.

    known: what this run has paid for and may have again for nothing (masks of tokens).
    """

    __slots__ = ("bits", "depth", "known", "left", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.left = limits.steps
        self.bits = limits.digits * 3322 // 1000 + 1
        self.depth = 0
        self.known: set[Hashable] = set()

    def charge(self, steps: int) -> None:
        """Raises OverLimit."""
        self.left -= steps
        if self.left < 0:
            raise OverLimit("steps", self.limits.steps, "the program runs for too many steps",
                            "does a loop or a recursion not end?")

    def text(self, length: int) -> None:
        """A text of that length is about to be made."""
        if length > self.limits.string:
            raise OverLimit("string", self.limits.string, f"a text of {_count(length)} characters is too long")
        self.charge(1 + length // LONG_WORK)

    def items(self, count: int) -> None:
        """A list of that length is about to be made."""
        if count > self.limits.items:
            raise OverLimit("items", self.limits.items, f"a list of {_count(count)} items is too long")
        self.charge(1 + 4 * count // LONG_WORK)

    def digits(self, bits: int) -> None:
        """An integer of so many bits is about to be made."""
        if bits > self.bits:
            raise OverLimit("digits", self.limits.digits, "an integer has too many digits",
                            "write a float, such as 2.0 ** 100, where the exact integer is not needed")


def _count(n: int) -> str:
    return f"{n:,}" if n < 10**15 else "very many"
