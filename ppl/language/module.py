"""`Module`: what a .steer file defines, ready to run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..program import Program
from .diagnostics import Diagnostic, SteerError
from .interpreter.definitions import Def
from .nodes import Span
from .problems import HINTS


@dataclass(frozen=True)
class Module:
    """programs: ordinary programs, by name: ``infer(module.programs["haiku"](title="Rain"), SMC(64))``. functions: its
    pure functions, which Python may call. doc: the text at the beginning of the file. sources: the lines of the file
    and of those that it imports, by their paths.
    """

    path: str
    doc: str | None
    programs: Mapping[str, Program[..., Any]]
    functions: Mapping[str, Def]
    sources: Mapping[str, tuple[str, ...]]

    @property
    def main(self) -> Program[..., Any]:
        """The program called "main", or else the last one. Raises ValueError for a file without programs."""
        if not self.programs:
            raise ValueError(f"{self.path} defines no program")
        return self.programs.get("main") or list(self.programs.values())[-1]

    def explained(self, error: Exception) -> Exception:
        """What a run has raised, as a SteerError where it names a line of these files: the driver finds a NaN weight
        or a value outside its support while the program waits. Anything else as it is."""
        if isinstance(error, SteerError):
            return error
        told = [str(error), *getattr(error, "__notes__", ())]
        for path, lines in self.sources.items():
            place = re.search(rf"\({re.escape(path)}:(\d+)\)", " ".join(told))
            if place is not None and int(place[1]) <= len(lines):
                number, line = int(place[1]), lines[int(place[1]) - 1]
                span = Span(number, len(line) - len(line.lstrip()) + 1, number, len(line.rstrip()) + 1)
                message = told[0].replace(f" {place[0]}", "").removeprefix(f"{place[0]}: ")
                return SteerError([Diagnostic("run", message, path, span, line, HINTS["value"])])
        return error

    def __repr__(self) -> str:
        return f"<module {self.path!r}: {', '.join([*self.programs, *self.functions])}>"
