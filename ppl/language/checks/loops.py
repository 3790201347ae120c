"""`for` and `while`. What the body assigns may differ from turn to turn, so a body is read with what is common to all
turns: first as if the kinds of variables stayed as they were, and once more without that where they did not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .. import nodes
from .blocks import certain, report_constant
from .iteration import bind_targets, items_of, never_empty
from .names import assigned
from .read import does, read_body, truth_of, value_of
from .scope import Scope
from .traverse import names_in
from .value import ANY, Value, join, varying
from .walk import Loop, Walk

_CAREFUL = 3  # loops inside one another that are read twice; the bodies of those further in are read once


@dataclass
class Turns:
    """What has been seen of a loop. ends: where its turns end. left: where it is left."""

    ends: list[Scope]
    left: list[Scope]
    returns: bool


@does(nodes.For)
def for_loop(walk: Walk, node: nodes.For) -> None:
    outer = walk.scope
    source = value_of(walk, node.source)
    item = items_of(walk, node.source, source)
    names = assigned((node,))
    turns = _turns(walk, node.body, names, lambda: bind_targets(walk, node.targets, item))
    skipped = [] if never_empty(source) else [Scope(outer)]
    outer.merge([*skipped, *turns.ends, *turns.left], sorted(names))


@does(nodes.While)
def while_loop(walk: Walk, node: nodes.While) -> None:
    outer = walk.scope
    first = truth_of(walk, node.test, "'while'")
    outcome = certain(node.test, first)
    if outcome is False:
        report_constant(walk, node.test, False)
    names = assigned(node.body)
    turns = _turns(walk, node.body, names, lambda: truth_of(walk, node.test, "'while'"), dead=outcome is False)
    if _endless(turns, outcome, node, names):
        tested = sorted(names_in(node.test) & walk.locals)
        why = "it has no break and no return" if outcome else "nothing in it changes " + (
            " or ".join(map(repr, tested)) or "its test")
        walk.findings.report(
            "endless-loop", node.test, f"this loop cannot end once it has begun: {why}",
            "add a break, or write for _ in range(n): to bound it",
        )
        outcome = None
    skipped = [] if first.constant and first.known else [Scope(outer)]
    outer.merge(turns.left if outcome else [*skipped, *turns.ends, *turns.left], sorted(names))


def _endless(turns: Turns, outcome: bool | None, node: nodes.While, names: frozenset[str]) -> bool:
    if turns.left or turns.returns or outcome is False or all(end.dead for end in turns.ends):
        return False
    return outcome is True or not names & names_in(node.test)


def _turns(
    walk: Walk, body: nodes.Body, names: frozenset[str], begin: Callable[[], object], dead: bool = False
) -> Turns:
    """Read the body of a loop. begin: reads what comes before it in each turn."""
    found, results, forgiven = len(walk.findings.found), len(walk.results), set(walk.forgiven)
    if len(walk.loops) < _CAREFUL:
        turns, steady = _read(walk, body, names, begin, varying, dead)
        if steady:
            return turns
        del walk.findings.found[found:], walk.results[results:]
        walk.forgiven = forgiven
    return _read(walk, body, names, begin, lambda value: ANY, dead)[0]


def _read(
    walk: Walk, body: nodes.Body, names: frozenset[str], begin: Callable[[], object], vary: Callable[[Value], Value],
    dead: bool,
) -> tuple[Turns, bool]:
    """One reading, and whether the kinds of variables at the ends of the turns are those of their beginning."""
    outer, results = walk.scope, len(walk.results)
    entry = Scope(outer)
    for name in sorted(names):
        before = outer.get(name)
        entry.bind(name, ANY if before is None else vary(before.value), before is not None and before.certain)
    start = Scope(entry)
    start.dead = dead
    loop = Loop(entry)
    walk.loops.append(loop)
    with walk.within(start):
        begin()
        read_body(walk, body)
    walk.loops.pop()
    ends = [start, *loop.again]
    steady = all(_same(entry, end, name) for end in ends if not end.dead for name in end.changed if name in names)
    return Turns(ends, loop.left, len(walk.results) > results), steady


def _same(entry: Scope, end: Scope, name: str) -> bool:
    before, after = entry.get(name), end.get(name)
    return before is None or after is None or join(before.value, after.value) == before.value
