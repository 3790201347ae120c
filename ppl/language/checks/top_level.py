"""The top level of a file: its names, and the values of its constants."""

from __future__ import annotations

from .. import nodes
from .imports import Find, read_import
from .iteration import bind_targets
from .read import value_of
from .scope import Scope
from .suggest import listed, meant
from .top import Top
from .value import ANY, Value
from .walk import Walk


def define(top: Top, file: nodes.File, find: Find) -> None:
    """Enter all names of a file. find: the names that an imported module defines."""
    for statement in file.statements:
        match statement:
            case nodes.Definition(kind="def", name=name, name_span=span):
                top.define(name, span, Value("function", of=statement))
            case nodes.Definition(name=name, name_span=span):
                top.define(name, span, Value(of=statement))
            case nodes.Assign(targets=targets):
                for target in targets:
                    top.define(target.id, target.span, ANY)
            case nodes.Models(names=names):
                _declare(top, names)
            case nodes.Import():
                read_import(top, statement, find)


def _declare(top: Top, names: tuple[nodes.Name, ...]) -> None:
    for name in names:
        if top.provided is not None and name.id not in top.provided and name.id != "lm":
            hint = meant(name.id, top.provided) or f"the models are {listed({*top.provided, 'lm'})}"
            top.findings.report("unknown-model", name, f"there is no model {name.id!r}", hint)
        if name.id != "lm":
            top.define(name.id, name.span, Value("model"))
            top.models.add(name.id)


def read_constants(top: Top, file: nodes.File) -> None:
    """Read the constants in their order."""
    assigns = [s for s in file.statements if isinstance(s, nodes.Assign)]
    walk = Walk(top.findings, top, Scope(), barred="in a constant")
    for statement in assigns:
        bind_targets(walk, statement.targets, value_of(walk, statement.value))
        for target in statement.targets:
            binding = walk.scope.get(target.id)
            assert binding is not None
            top.names[target.id] = binding.value
