"""`Findings`: what the checks of one file report."""

from __future__ import annotations

from ..diagnostics import Diagnostic
from ..nodes import File, Node, Span
from .codes import CODES


class Findings:
    """Diagnostics in the order in which they were found; `sorted` gives them in the order of their lines."""

    def __init__(self, file: File) -> None:
        self.path, self.lines = file.path, file.source.splitlines()
        self.found: list[Diagnostic] = []

    def report(self, code: str, at: Node | Span, message: str, hint: str) -> None:
        span = at.span if isinstance(at, Node) else at
        line = self.lines[span.line - 1] if 0 < span.line <= len(self.lines) else ""
        self.found.append(Diagnostic(code, message, self.path, span, line, hint, CODES[code].severity))

    def sorted(self) -> list[Diagnostic]:
        """In line order, each mistake once: of several equal ones (a loop's body may be read twice) the first."""
        unique = {(d.span, d.code, d.message): d for d in reversed(self.found)}
        return sorted(unique.values(), key=lambda d: (d.span.line, d.span.column, d.code, d.message))
