"""`Module`: what a .steer file defines, ready to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..program import Program
from .interpreter.definitions import Def


@dataclass(frozen=True)
class Module:
    """programs: ordinary programs, by name: ``infer(module.programs["haiku"](title="Rain"), SMC(64))``. functions: its
    pure functions, which Python may call. doc: the text at the beginning of the file."""

    path: str
    doc: str | None
    programs: Mapping[str, Program[..., Any]]
    functions: Mapping[str, Def]

    @property
    def main(self) -> Program[..., Any]:
        """The program called "main", or else the last one. Raises ValueError for a file without programs."""
        if not self.programs:
            raise ValueError(f"{self.path} defines no program")
        return self.programs.get("main") or list(self.programs.values())[-1]

    def __repr__(self) -> str:
        return f"<module {self.path!r}: {', '.join([*self.programs, *self.functions])}>"
