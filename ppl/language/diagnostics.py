"""`Diagnostic`: what is wrong with a program, where, and what to do; fit for people and for language models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import SteersmanError
from .nodes import Span


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """code: a short stable name of the kind of mistake, such as "unknown-name". hint: what to write instead.
    line: the source line at which the span begins."""

    code: str
    message: str
    path: str
    span: Span
    line: str
    hint: str | None = None
    severity: str = "error"

    def __str__(self) -> str:
        r"""The message, the source line with a caret under the span, and the hint::

            haiku.steer:4:13: error: unknown name 'syllable' [unknown-name]
              4 |     observe syllable(line) ~ Normal(n, 0.5)
                |             ^^^^^^^^
              hint: did you mean 'syllables'?
        """
        s = self.span
        number = str(s.line)
        shown = self.line.expandtabs(1)
        width = s.end_column - s.column if s.end_line == s.line else len(shown) - s.column + 1
        lines = [
            f"{self.path}:{s.line}:{s.column}: {self.severity}: {self.message} [{self.code}]",
            f"  {number} | {shown}".rstrip(),
            f"  {' ' * len(number)} | {' ' * (s.column - 1)}{'^' * max(1, min(width, len(shown) - s.column + 1))}",
        ]
        return "\n".join(lines if self.hint is None else [*lines, f"  hint: {self.hint}"])

    def to_json(self) -> dict[str, Any]:
        s = self.span
        return {
            "severity": self.severity, "code": self.code, "message": self.message, "hint": self.hint,
            "file": self.path, "line": s.line, "column": s.column, "end_line": s.end_line,
            "end_column": s.end_column, "source": self.line,
        }


class SteerError(SteersmanError):
    """A .steer program that cannot be read, or that failed as it ran. diagnostics: all that was found, in order of
    their lines."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(diagnostics, key=lambda d: (d.path, d.span.line, d.span.column)))
        super().__init__("\n\n".join(map(str, self.diagnostics)))

    def __reduce__(self) -> Any:
        return SteerError, (self.diagnostics,)
