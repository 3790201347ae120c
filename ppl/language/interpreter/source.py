"""Where things stand: failures of a built-in as diagnostics of the program."""

from __future__ import annotations

from dataclasses import dataclass

from ...blame import is_tracer_error
from ..diagnostics import Diagnostic, SteerError
from ..nodes import Node
from ..problems import Problem, problem_of


@dataclass(frozen=True, slots=True)
class Source:
    """A file: its path and lines."""

    path: str
    lines: tuple[str, ...]

    def diagnostic(self, node: Node, problem: Problem) -> Diagnostic:
        line = self.lines[node.span.line - 1] if node.span.line <= len(self.lines) else ""
        return Diagnostic(problem.code, problem.message, self.path, node.span, line, problem.told)

    def error(self, node: Node, code: str, message: str, hint: str) -> SteerError:
        return SteerError([self.diagnostic(node, Problem(code, message, hint))])

    def failed(self, node: Node, error: Exception) -> Exception:
        """The exception to raise for one that evaluating the node raised. What a definition called from here has raised
        is placed already, and what JAX says about traced values is explained by the driver."""
        if isinstance(error, SteerError) or is_tracer_error(error):
            return error
        return SteerError([self.diagnostic(node, problem_of(error))])
