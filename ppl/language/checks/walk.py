"""`Walk`: where the reading of one definition stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..nodes import Definition, Expression
from .findings import Findings
from .scope import Scope
from .top import Top
from .value import Value


@dataclass
class Loop:
    """entry: the scope in which its body begins. left, again: the scopes of each `break` and `continue`."""

    entry: Scope
    left: list[Scope] = field(default_factory=list)
    again: list[Scope] = field(default_factory=list)


@dataclass
class Walk:
    """definition: what is read, None for the constants of a file. locals: the names it assigns anywhere. used: those it
    reads. forgiven: names that have been reported and need not be again. barred: why no effect may stand here, if so.
    whole: the call that is the whole right side of the statement. branching: how many blocks that may be skipped are
    open. returned: whether some path has returned before. acts: whether there are effects. results: of `return`."""

    findings: Findings
    top: Top
    scope: Scope
    definition: Definition | None = None
    locals: frozenset[str] = frozenset()
    used: set[str] = field(default_factory=set)
    forgiven: set[str] = field(default_factory=set)
    barred: str | None = None
    whole: Expression | None = None
    loops: list[Loop] = field(default_factory=list)
    branching: int = 0
    returned: bool = False
    acts: bool = False
    results: list[Value] = field(default_factory=list)

    @contextmanager
    def barring(self, why: str) -> Iterator[None]:
        """Within: no effects, because they stand `why`."""
        before, self.barred = self.barred, self.barred or why
        yield
        self.barred = before

    @contextmanager
    def within(self, scope: Scope) -> Iterator[Scope]:
        """Read a block that may be skipped in a scope of its own."""
        outer, self.scope = self.scope, scope
        self.branching += 1
        yield scope
        self.branching -= 1
        self.scope = outer
