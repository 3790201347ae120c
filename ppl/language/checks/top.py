"""`Top`: what the top level of a file defines, and what its names mean."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from .. import nodes
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
    """definitions: where each name of the file is defined. names: what is known of it. models: those that are declared,
    and `lm`. provided: those that the runner has, None where that is not known. returns: what is known of the results of each `def`."""

    findings: Findings
    table: Table
    rewards: Collection[str] | None
    provided: Collection[str] | None
    definitions: dict[str, nodes.Span] = field(default_factory=dict)
    names: dict[str, Value] = field(default_factory=dict)
    constants: set[str] = field(default_factory=set)
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
        builtin = self.table.functions.get(name) or self.table.distributions.get(name)
        if builtin is None:
            return None
        return Value(builtin.returns) if builtin.property else Value("function", of=builtin)

    def known(self) -> Iterator[str]:
        yield from (*self.names, *self.models, *self.table.functions, *self.table.distributions)

    def hides(self, name: str, parameter: bool = False) -> str | None:
        """What a variable of this name would hide, if it may not. A parameter may hide a built-in function, because
        its name is what the program is run with."""
        if name in self.models:
            return "a model"
        if name in self.table.distributions:
            return "a distribution"
        if name in self.table.functions and not parameter:
            return "a built-in"
        value = self.names.get(name)
        if value is not None and isinstance(value.of, nodes.Definition):
            return f"a {value.of.kind} of this file"
        return None

    def define(self, name: str, at: nodes.Span, value: Value) -> None:
        """A name of the top level; reports one that is taken."""
        taken = None if name in self.names else self.hides(name)
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
