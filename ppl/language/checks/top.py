"""`Top`: what the top level of a file defines, and what its names mean."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from .. import nodes
from .domains import PARAMETERS
from .findings import Findings
from .table import Table
from .value import Value


@dataclass
class Imported:
    """The names of a file that is imported, None where it could not be read."""

    module: str
    names: Mapping[str, Value] | None


@dataclass
class Top:
    """definitions: where each name of the file is defined. names: what is known of each. imported: those that come from
    other files. models: those that are declared, and `lm`. provided: those that the runner has, None where that is not
    known. used: the names of the file that something reads. returns: what is known of the results of each `def`."""

    findings: Findings
    table: Table
    rewards: Collection[str] | None
    provided: Collection[str] | None
    definitions: dict[str, nodes.Span] = field(default_factory=dict)
    names: dict[str, Value] = field(default_factory=dict)
    imported: dict[str, nodes.Span] = field(default_factory=dict)
    models: set[str] = field(default_factory=lambda: {"lm"})
    used: set[str] = field(default_factory=set)
    returns: dict[nodes.Definition, Value] = field(default_factory=dict)

    def get(self, name: str) -> Value | None:
        """What is known of a name of the file or of the language; None where there is none."""
        if name in self.names:
            self.used.add(name)
            return self.names[name]
        if name in self.models:
            return Value("model")
        builtin = self.table.functions.get(name)
        if builtin is None and self.is_distribution(name):
            builtin = self.table.distributions.get(name)
        if builtin is None:
            return None
        return Value(builtin.returns) if builtin.property else Value("function", of=builtin)

    def follows(self, name: str, span: nodes.Span) -> bool:
        """Whether a name of the file is defined behind a place in it. Constants and defaults are evaluated in order."""
        at = self.definitions.get(name)
        return at is not None and (at.line, at.column) > (span.line, span.column)

    def is_distribution(self, name: str) -> bool:
        """Whether the name is one of a distribution; looking up one in capitals would import NumPyro."""
        return (not name.isupper() or name == "LKJ") and name in self.table.distributions

    def known(self) -> Iterator[str]:
        yield from (*self.names, *self.models, *self.table.functions, *PARAMETERS)

    def hides(self, name: str) -> str | None:
        """What a variable of this name would hide, if it may not. (It may hide a built-in function, as in Python.)"""
        if name in self.models:
            return "a model"
        if self.is_distribution(name):
            return "a distribution"
        value = self.names.get(name)
        if value is not None and isinstance(value.of, nodes.Definition):
            return f"a {value.of.kind} of this file"
        return None

    def define(self, name: str, at: nodes.Span, value: Value) -> None:
        """A name of the top level; reports one that is taken."""
        taken = None if name in self.names else "a built-in" if name in self.table.functions else self.hides(name)
        if taken is not None:
            hint = f"choose another name, such as {name}_"
            self.findings.report("shadows", at, f"{name!r} is {taken}", hint)
        elif name in self.definitions:
            line = self.definitions[name].line
            self.findings.report(
                "duplicate-definition", at, f"{name!r} is defined twice: here and in line {line}", "rename one of them"
            )
        self.definitions.setdefault(name, at)
        self.names[name] = value
