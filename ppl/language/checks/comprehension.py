"""List comprehensions: names of their own, and no effects."""

from __future__ import annotations

from .. import nodes
from .iteration import bind_targets, items_of
from .read import reads, truth_of, value_of
from .value import Value
from .walk import Walk


@reads(nodes.Comprehension)
def comprehension(walk: Walk, node: nodes.Comprehension) -> Value:
    outer = walk.scope
    before = {t.id: outer.get(t.id) for clause in node.clauses for t in clause.targets}
    first = value_of(walk, node.clauses[0].source)  # evaluated once, so that effects may stand in it
    with walk.barring("in a comprehension"):
        for k, clause in enumerate(node.clauses):
            source = value_of(walk, clause.source) if k else first
            bind_targets(walk, clause.targets, items_of(walk, clause.source, source))
            for test in clause.tests:
                truth_of(walk, test, "'if'")
        inside = value_of(walk, node.item)
    for name, binding in before.items():
        outer.changed.pop(name, None)
        if binding is not None:
            outer.changed[name] = binding
    return Value("list", inside=inside.kind)
