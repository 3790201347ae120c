"""From a .steer file and the options of the command to a program call."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .exits import USAGE
from .loading import DEFAULT, check_model_names, load_models, load_rewards
from .settings import read_settings
from .source import Imports, read_source
from .terminal import fail

if TYPE_CHECKING:
    from steersman.ppl import Invocation
    from steersman.ppl.language import Module
    from steersman.ppl.language.diagnostics import Diagnostic
    from steersman.ppl.language.nodes import Definition, File


@dataclass(frozen=True)
class Order:
    """What is asked for. file: `-` is standard input. program: None for `main`, or the last one. settings, models,
    rewards: name -> text, as on the command line."""

    file: str
    program: str | None
    settings: Mapping[str, str]
    models: Mapping[str, str]
    rewards: Mapping[str, str]


@dataclass(frozen=True)
class Job:
    """program: the name of the one that runs. call: applied to its arguments. warnings: of the checks."""

    program: str
    arguments: Mapping[str, Any]
    module: Module
    warnings: tuple[Diagnostic, ...]

    @property
    def call(self) -> Invocation[Any]:
        return self.module.programs[self.program](**self.arguments)


def prepare(order: Order) -> Job:
    """Read, check, and only then load what is large. Raises SteerError with all that is wrong with the file; leaves
    with status 2 for what is wrong with the order."""
    from steersman.ppl import language

    source, path = read_source(order.file)
    loader = Imports(order.file)
    tree = language.parse(source, path)
    check_model_names(_declared(tree), order.models, _imports(tree))
    known = {DEFAULT, *order.models}
    found = language.check(tree, path, models=known, rewards=set(order.rewards), loader=loader)
    if any(d.severity == "error" for d in found):
        raise language.SteerError(found)
    definition = choose(tree, order.program)
    arguments = read_settings(definition, order.settings)
    models = load_models(order.models, _may_use([source, *loader.sources.values()], DEFAULT))
    module = language.compile_source(
        source, path, models=models, rewards=load_rewards(order.rewards), loader=loader
    )
    return Job(definition.name, arguments, module, tuple(found))


def choose(tree: File, name: str | None) -> Definition:
    """The program of a name, else `main`, else the last one. Leaves with status 2 if there is none."""
    from steersman.ppl.language.nodes import Definition

    programs = {s.name: s for s in tree.statements if isinstance(s, Definition) and s.kind == "program"}
    if not programs:
        fail(f"{tree.path}: there is no program to run: write `program main():`", USAGE)
    if name is None:
        return programs.get("main", list(programs.values())[-1])
    if name not in programs:
        fail(f"--program {name}: {tree.path} has {', '.join(programs)}", USAGE)
    return programs[name]


def _may_use(sources: Iterable[str], name: str) -> bool:
    """Whether the name stands in a source at all: a program without a model need not wait for one."""
    return any(re.search(rf"\b{name}\b", source) for source in sources)


def _declared(tree: File) -> list[str]:
    from steersman.ppl.language.nodes import Models

    return [n.id for s in tree.statements if isinstance(s, Models) for n in s.names]


def _imports(tree: File) -> bool:
    from steersman.ppl.language.nodes import Import

    return any(isinstance(s, Import) for s in tree.statements)
