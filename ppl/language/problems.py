"""`Problem`: what goes wrong inside a built-in, before it is known where in the program that is."""

from __future__ import annotations

import re


class Problem(Exception):
    """A mistake of the program; whoever evaluates the expression makes a `Diagnostic` of it."""

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint


class OverLimit(Problem):
    """A limit of the run is exceeded."""

    def __init__(self, limit: str, bound: int, what: str, hint: str | None = None) -> None:
        super().__init__("limit", f"{what}: the limit is {bound:,} ({limit})", hint)


def problem_of(error: Exception) -> Problem:
    """A failure of Python's or of the libraries below, in words without Python's own names and addresses."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RecursionError):
        return Problem("limit", "the calls or values are nested too deeply (recursion)")
    if isinstance(error, MemoryError):
        return Problem("limit", "there is not enough memory for this value")
    if isinstance(error, ZeroDivisionError):
        return Problem("value", "division by zero")
    if isinstance(error, OverflowError):
        return Problem("value", "the number is too large")
    message = re.sub(r" at 0x[0-9a-fA-F]+", "", str(error)).strip() or "it failed"
    return Problem("value", message)
