"""`Problem`: what goes wrong inside a built-in, before it is known where in the program that is."""

from __future__ import annotations

import re

HINTS = {
    "kind": "str(x), int(x), float(x) and list(x) make other kinds of values",
    "value": "test the value first, with `if`, or give up the particle with `condition`",
    "limit": "make it smaller; whoever runs the program can raise most limits: Limits(...)",
    "import": "import helpers reads helpers.steer beside this file; there are no modules of Python: exp, find, matches "
              "and the like are built in",
}
"""For mistakes that bring no hint of their own, by their code."""


class Problem(Exception):
    """A mistake of the program; whoever evaluates the expression makes a `Diagnostic` of it. hint: may be left out
    where `HINTS` has one for the code, or where a built-in can say how it is called."""

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint

    @property
    def told(self) -> str:
        """The hint for the reader of the program."""
        return self.hint or HINTS[self.code]


class OverLimit(Problem):
    """A limit of the run is exceeded."""

    def __init__(self, limit: str, bound: int, what: str, hint: str | None = None) -> None:
        super().__init__("limit", f"{what}: the limit is {bound:,} ({limit})", hint)


def problem_of(error: Exception) -> Problem:
    """A failure of Python's or of the libraries below, in words without Python's own names and addresses."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RecursionError):
        return Problem("limit", "the calls or values are nested too deeply (recursion)",
                       "write a loop, or see that every recursion ends")
    if isinstance(error, MemoryError):
        return Problem("limit", "there is not enough memory for this value")
    if isinstance(error, ZeroDivisionError):
        return Problem("value", "division by zero", "test the divisor first: a / b if b else 0.0")
    if isinstance(error, OverflowError):
        return Problem("value", "the number is too large", "work with logarithms: log(x), and sums for products")
    message = re.sub(r" at 0x[0-9a-fA-F]+", "", str(error)).strip() or "it failed"
    return Problem("value", message)
