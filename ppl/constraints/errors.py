"""Errors of constraints: what is wrong, where, and what to do about it."""

from __future__ import annotations

from ..errors import SteersmanError


class ConstraintError(SteersmanError, ValueError):
    """A constraint that cannot be read, or that no text can meet."""


class BadSource(ConstraintError):
    """A pattern, grammar or schema with a mistake. line and column (from 1) are None where there is no one place.
    what, why, hint: the parts of the message."""

    def __init__(
        self, what: str, why: str, source: str = "", line: int | None = None, column: int | None = None, hint: str = "",
    ) -> None:
        at = "" if line is None else f" at line {line}" + ("" if column is None else f", column {column}")
        shown = ""
        lines = source.splitlines()
        if line is not None and line <= len(lines):
            shown = f"\n    {lines[line - 1]}" + ("" if column is None else f"\n    {' ' * (column - 1)}^")
        super().__init__(f"{what}{at}: {why}{shown}" + (f"\n{hint}" if hint else ""))
        self.line, self.column = line, column
        self.what, self.why, self.hint = what, why, hint


class Unsatisfiable(ConstraintError):
    """No text of this vocabulary, or none that is short enough, is in the language."""


class CannotCombine(ConstraintError, TypeError):
    """Constraints that have no common form, in an operation that needs one."""
