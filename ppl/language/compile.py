"""From source text to a `Module`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..program import Program
from . import nodes as n
from .checks import check
from .diagnostics import Diagnostic, SteerError
from .interpreter.definitions import Def, Defined
from .interpreter.expressions import Expressions
from .interpreter.frame import UNSET, Frame
from .interpreter.programs import Entry
from .interpreter.scope import Globals, Scope, assigned
from .interpreter.source import Source
from .interpreter.statements import Statements
from .library.masks import Masks
from .limits import Limits, Meter
from .loader import FolderLoader, Loader, no_imports, read
from .module import Module
from .parse import parse
from .problems import Problem

if TYPE_CHECKING:
    Models = Mapping[str, Any]
    Rewards = Mapping[str, Any]


def compile_source(
    source: str, path: str = "<text>", *, models: Models, rewards: Rewards | None = None, limits: Limits | None = None,
    loader: Loader | None = None,
) -> Module:
    """The programs and functions of a source text.

    models: by the names that the program uses; the usual one is "lm". rewards: by the names given to `reward("...",
    text)`. loader: where imports come from (None: there are none). Constants are evaluated now. Raises SteerError with
    all that is wrong.
    """
    file = parse(source, path)
    given = loader or no_imports
    found = check(file, path, models=list(models), rewards=set(rewards or {}), loader=given)
    if errors := [d for d in found if d.severity == "error"]:
        raise SteerError(errors)
    return compile_file(file, models, rewards or {}, limits or Limits(), given)


def compile_file(file: n.File, models: Models, rewards: Rewards, limits: Limits, loader: Loader) -> Module:
    """Compile a tree that need not have been checked: what the checks would have found is an error when it is reached.
    Raises SteerError."""
    return _Compiler(models, rewards, limits, loader).module(file)


def load(path: str | Path, *, models: Models, rewards: Rewards | None = None, limits: Limits | None = None) -> Module:
    """The programs and functions of a file, which may import files of its folder. Raises OSError for a file that cannot
    be read, SteerError for a program that is wrong."""
    try:
        source = read(path)
    except Problem as problem:
        raise SteerError([Source(str(path), ("",)).diagnostic(n.Node(n.Span(1, 1, 1, 1)), problem)]) from None
    return compile_source(source, str(path), models=models, rewards=rewards, limits=limits,
                          loader=FolderLoader(Path(path).parent))


class _Compiler:
    """One compilation: of a file and of those that it imports, each once."""

    def __init__(self, models: Models, rewards: Rewards, limits: Limits, loader: Loader) -> None:
        self.models, self.rewards, self.limits, self.loader = models, rewards, limits, loader
        self.files: dict[str, Globals | None] = {}  # None while a file is being compiled
        self.found: list[Diagnostic] = []
        self.sources: dict[str, tuple[str, ...]] = {}

    def module(self, file: n.File) -> Module:
        around = self.file(file)
        if self.found:
            raise SteerError(self.found)
        programs = {name: v for name, v in around.values.items() if around.roles[name] == "program"}
        functions = {name: v for name, v in around.values.items() if around.roles[name] == "def"}
        doc = None if file.doc is None else inspect.cleandoc("".join(p for p in file.doc.parts if isinstance(p, str)))
        return Module(file.path, doc, programs, functions, self.sources)

    def file(self, file: n.File) -> Globals:
        source = Source(file.path, tuple(file.source.split("\n")))
        self.sources[file.path] = source.lines
        around = Globals(source, self.limits, self.rewards, {"lm": "model"})
        if "lm" in self.models:
            around.values["lm"] = self.models["lm"]
        for statement in file.statements:
            with self.finding(statement, source):
                self.announce(statement, around)
        masks, defined = Masks(), []
        for statement in file.statements:
            if isinstance(statement, n.Definition):
                with self.finding(statement, source):
                    defined.append(self.define(statement, around, masks))
        if not self.found:
            self.run(file, around, {d.definition: d for d in defined})
        return around

    @contextmanager
    def finding(self, node: n.Node, source: Source) -> Iterator[None]:
        """Note what is wrong and go on with the next statement."""
        try:
            yield
        except SteerError as error:
            self.found.extend(d for d in error.diagnostics if d not in self.found)
        except RecursionError:
            self.found.append(source.diagnostic(node, Problem("limit", "it is nested too deeply",
                                                               "give parts of it names of their own")))

    def announce(self, statement: n.Node, around: Globals) -> None:
        """Enter what a statement names."""
        if isinstance(statement, n.Definition):
            around.roles[statement.name] = "def" if statement.kind == "def" else "program"
        elif isinstance(statement, n.Assign):
            around.roles.update({target.id: "constant" for target in statement.targets})
        elif isinstance(statement, n.Models):
            for name in statement.names:
                if name.id not in self.models:
                    known = ", ".join(map(repr, self.models)) or "none"
                    raise around.source.error(name, "unknown-model", f"no model {name.id!r} is given",
                                              f"the runner provides: {known}")
                around.roles[name.id] = "model"
                around.values[name.id] = self.models[name.id]
        elif isinstance(statement, n.Import):
            self.import_(statement, around)

    def import_(self, statement: n.Import, around: Globals) -> None:
        module = self.imported(statement, around)
        if statement.names is None:
            name = statement.module if statement.alias is None else statement.alias.id
            around.roles[name], around.values[name] = "module", module
            return
        for name_, alias in statement.names:
            role = module.roles.get(name_.id)
            if role not in ("constant", "def", "program"):
                raise around.source.error(name_, "import", f"{statement.module}.steer defines no {name_.id!r}",
                                          "it defines " + (", ".join(map(repr, module.values)) or "nothing"))
            own = alias.id if alias is not None else name_.id
            around.roles[own], around.values[own] = role, module.values.get(name_.id)

    def imported(self, statement: n.Import, around: Globals) -> Globals:
        try:
            path, text = self.loader(statement.module)
        except Problem as problem:
            raise SteerError([around.source.diagnostic(statement, problem)]) from None
        if path == around.source.path or (path in self.files and self.files[path] is None):
            why = f"{statement.module}.steer is importing this file: imports go round in a circle"
            raise around.source.error(statement, "import", why, "move what both need into a third file")
        found = self.files.get(path)
        if found is None:
            self.files.setdefault(around.source.path, None)
            self.files[path] = None
            found = self.files[path] = self.file(parse(text, path))
        return found

    def define(self, node: n.Definition, around: Globals, masks: Masks) -> Defined:
        """Compile a definition; its defaults come later."""
        scope = Scope((*(p.name for p in node.parameters), *assigned(node.body)))
        statements = Statements(Expressions(around, scope), pure=node.kind == "def")
        body = statements.body(node.body)
        made: Def | Entry
        if node.kind == "def":
            made = Def(node, self.limits, around.source, masks)
            made.body = body[1]
        else:
            made = Entry(node, self.limits, around.source)
            made.body = body
        made.slots = scope.size
        return made

    def run(self, file: n.File, around: Globals, defined: Mapping[n.Definition, Defined]) -> None:
        """Evaluate the constants and defaults, in the order of the file."""
        meter = Meter(self.limits)
        for statement in file.statements:
            with self.finding(statement, around.source):
                if isinstance(statement, n.Assign):
                    self.constant(statement, around, meter)
                elif isinstance(statement, n.Definition):
                    made = defined[statement]
                    made.defaults = [UNSET if p.default is None else self.value(p.default, around, meter)
                                     for p in statement.parameters]
                    around.values[statement.name] = Program(made) if isinstance(made, Entry) else made

    def constant(self, node: n.Assign, around: Globals, meter: Meter) -> None:
        scope = Scope()
        expressions = Expressions(around, scope)
        value = expressions.compile(node.value)
        if node.op is not None:
            before = expressions.of_globals(node, around, node.targets[0].id)
            value = expressions.operation(node, node.op, before, value)
        store = expressions.store(node.targets)
        frame = Frame([UNSET] * scope.size, meter, node)
        store(frame, value(frame))
        for target in node.targets:
            around.values[target.id] = frame.values[scope.declare(target.id)]

    def value(self, node: n.Expression, around: Globals, meter: Meter) -> Any:
        scope = Scope()
        value = Expressions(around, scope).compile(node)
        return value(Frame([UNSET] * scope.size, meter, node))
