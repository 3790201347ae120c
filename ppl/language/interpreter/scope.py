"""What names mean, decided when a definition is compiled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..limits import Limits
from ..nodes import Assign, Body, Draw, For, If, While
from .source import Source

Role = Literal["constant", "def", "program", "module", "model"]


@dataclass(slots=True)
class Globals:
    """The names of one file. roles: what each is, known before anything runs. values: filled in the order of the file;
    of a module its own Globals."""

    source: Source
    limits: Limits
    rewards: Mapping[str, Any]
    roles: dict[str, Role] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)


class Scope:
    """The local names of one definition, each with a slot; a comprehension has names of its own inside."""

    def __init__(self, names: Iterator[str] | tuple[str, ...] = ()) -> None:
        self.slots: list[dict[str, int]] = [{}]
        self.size = 0
        for name in names:
            self.declare(name)

    def declare(self, name: str) -> int:
        """The slot of a name of the innermost scope, new if need be."""
        innermost = self.slots[-1]
        if name not in innermost:
            innermost[name] = self.temporary()
        return innermost[name]

    def temporary(self) -> int:
        """A slot without a name."""
        self.size += 1
        return self.size - 1

    def find(self, name: str) -> int | None:
        return next((level[name] for level in reversed(self.slots) if name in level), None)


def assigned(body: Body) -> Iterator[str]:
    """The names that a body gives values to."""
    for statement in body:
        if isinstance(statement, Draw):
            yield statement.target.id
        elif isinstance(statement, Assign):
            yield from (target.id for target in statement.targets)
        elif isinstance(statement, For):
            yield from (target.id for target in statement.targets)
            yield from assigned(statement.body)
        elif isinstance(statement, While):
            yield from assigned(statement.body)
        elif isinstance(statement, If):
            for _, branch in statement.branches:
                yield from assigned(branch)
            yield from assigned(statement.otherwise or ())
