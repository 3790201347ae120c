"""List comprehensions as closures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import nodes as n
from ..containers import items
from ..kinds import described
from ..problems import OverLimit, Problem
from .frame import Frame
from .size import length

if TYPE_CHECKING:
    from .expressions import Evaluate, Expressions


def comprehension(within: Expressions, node: n.Comprehension) -> Evaluate:
    within.scope.slots.append({})
    try:
        loops = []
        for i, clause in enumerate(node.clauses):
            source = (within.compile if i == 0 else within.apart)(clause.source)
            store = within.store(clause.targets)
            loops.append((source, store, [within.test(test, apart=True) for test in clause.tests], clause))
        item = within.apart(node.item)
    finally:
        within.scope.slots.pop()
    failed, steps = within.source.failed, 1 + length(node)

    def run(f: Frame) -> Any:
        made: list[Any] = []
        most = f.meter.limits.items

        def loop(level: int) -> None:
            if level == len(loops):
                made.append(item(f))
                if len(made) > most:
                    raise failed(node, OverLimit("items", most, "a list is too long"))
                return
            source, store, tests, clause = loops[level]
            whole = source(f)
            try:
                values = iterated(whole)
            except Exception as error:
                raise failed(clause.source, error) from None
            for value in values:
                try:
                    f.meter.charge(steps)
                except Problem as error:
                    raise failed(clause, error) from None
                store(f, value)
                if all(test(f) for test in tests):
                    loop(level + 1)

        loop(0)
        try:
            f.meter.charge(len(made) // 16)
            return items(made, f.meter.limits)
        except Exception as error:
            raise failed(node, error) from None

    return run


def iterated(value: Any) -> Any:
    """What a loop runs through. Raises Problem for what has no items."""
    if isinstance(value, (list, str, dict)):
        return value
    raise Problem("kind", f"a loop runs through a list, a text or a dict, not {described(value)}",
                  "range(n) counts" if isinstance(value, int) else "for example [1, 2] or range(n)")
