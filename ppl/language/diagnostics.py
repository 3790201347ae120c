"""`Diagnostic`: what is wrong with a program, where, and what to do; fit for people and for language models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import SteersmanError
from .nodes import Span

LONGEST = 120
"""Characters of a source line that are shown."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """code: a short stable name of the kind of mistake, such as "unknown-name". hint: what to write instead.
    line: the source line at which the span begins."""

    code: str
    message: str
    path: str
    span: Span
    line: str
    hint: str
    severity: str = "error"

    def __str__(self) -> str:
        r"""The message, the source line with a caret under the span, and the hint::

            haiku.steer:4:13: error: unknown name 'syllable' [unknown-name]
              4 |     observe syllable(line) ~ Normal(n, 0.5)
                |             ^^^^^^^^
              hint: did you mean 'syllables'?
        """
        s = self.span
        margin = " " * len(str(s.line))
        shown, before, width = self._excerpt()
        lines = [
            f"{self.path}:{s.line}:{s.column}: {self.severity}: {self.message} [{self.code}]",
            f"  {s.line} | {shown}".rstrip(),
            f"  {margin} | {' ' * before}{'^' * width}",
            f"  hint: {self.hint}",
        ]
        return "\n".join(lines)

    def _excerpt(self) -> tuple[str, int, int]:
        """The line, or of a long one what is around the span; how much stands before the caret; its width."""
        s, shown = self.span, self.line.expandtabs(1)
        before = s.column - 1
        width = s.end_column - s.column if s.end_line == s.line else len(shown) - before
        if len(shown) > LONGEST:
            start = max(0, min(before - LONGEST // 3, len(shown) - LONGEST))
            cut = shown[start : start + LONGEST]
            shown = ("…" if start else "") + cut + ("…" if start + LONGEST < len(shown) else "")
            before -= start - bool(start)
        return shown, before, max(1, min(width, len(shown) - before))

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
