"""`check`: all that is certainly or probably wrong with a file, before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import PurePath

from .. import nodes
from ..diagnostics import Diagnostic, SteerError
from ..loader import Loader
from ..parse import parse
from . import calls, comprehension, literals, logic, loops, members, names, statements  # noqa: F401  (the readers)
from .definition import read_definition
from .findings import Findings
from .loading import loaded
from .table import library
from .top import Imported, Top
from .top_level import define, read_constants
from .value import Value


def check(
    source: str | nodes.File, path: str = "<text>", *, models: Collection[str] = (),
    rewards: Collection[str] | None = None, loader: Loader | None = None,
) -> list[Diagnostic]:
    """Everything found in a .steer file, errors and warnings, in the order of the lines; empty if all is well.

    models: the names of the models that the runner provides besides `lm`; rewards: the names of its rewards. What the
    runner provides is not checked where models is empty, where rewards is None. loader: finds imported files, whose
    own errors come after those of the file; without it they are not read. A file that cannot be parsed gives its syntax
    errors alone. Takes time linear in the length of the file.
    """
    try:
        file = parse(source, path) if isinstance(source, str) else source
    except SteerError as error:
        return list(error.diagnostics)
    reader = _Reader(models, rewards, loader)
    reader.read(file, (PurePath(file.path).stem,))
    return sorted(reader.found, key=lambda d: d.path != file.path)


class _Reader:
    """Reads a file and what it imports, each file once."""

    def __init__(self, models: Collection[str], rewards: Collection[str] | None, loader: Loader | None) -> None:
        self.models, self.rewards, self.loader = models, rewards, loader
        self.modules: dict[str, Mapping[str, Value] | None] = {}
        self.found: list[Diagnostic] = []

    def read(self, file: nodes.File, stack: tuple[str, ...]) -> Mapping[str, Value]:
        """The names that a file defines, models and other files apart. stack: the modules whose imports led here."""
        findings = Findings(file)
        top = Top(findings, library(), self.rewards, self.models or None)
        define(top, file, lambda module, node: self.find(module, node, findings, stack))
        read_constants(top, file)
        definitions = [s for s in file.statements if isinstance(s, nodes.Definition)]
        for definition in sorted(definitions, key=lambda d: d.kind):  # each def before each program that may call it
            read_definition(top, findings, definition)
        for name, span in top.imported.items():
            if name not in top.used and not name.startswith("_"):
                findings.report("unused-import", span, f"{name!r} is imported and never used", "remove the import")
        self.found.extend(findings.sorted())
        return {n: v for n, v in top.names.items() if n not in top.models and not isinstance(v.of, Imported)}

    def find(
        self, module: str, node: nodes.Import, findings: Findings, stack: tuple[str, ...]
    ) -> Mapping[str, Value] | None:
        if self.loader is None:
            return None
        if module in stack:
            way = " -> ".join((*stack[stack.index(module):], module))
            hint = "move what both need into a third file"
            findings.report("circular-import", node, f"a file cannot import itself: {way}", hint)
            return None
        if module not in self.modules:
            self.modules[module] = None
            file = loaded(self.loader, module, node, findings, self.found)
            self.modules[module] = None if file is None else self.read(file, (*stack, module))
        return self.modules[module]
