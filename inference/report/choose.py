"""Which steps and particles of a genealogy are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..posterior.genealogy import Genealogy, Lines
from .limits import COLUMN, NODES, STEPS


@dataclass(frozen=True)
class Drawn:
    """generations [K]: the steps that are drawn. slots[k]: their particles, in an order in which no two lines cross.
    parents[k]: the place in slots[k - 1] of the ancestor of each (empty for k = 0). heirs[k]: which of them are
    ancestors of final particles of positive weight."""

    generations: list[int]
    slots: list[Lines]
    parents: list[Lines]
    heirs: list[np.ndarray[tuple[int], np.dtype[np.bool_]]]


def spaced(n: int, most: int) -> list[int]:
    """At most so many of 0..n-1, evenly spaced, the first and the last included."""
    return list(range(n)) if n <= most else sorted({round(i * (n - 1) / (most - 1)) for i in range(most)})


def choose(genealogy: Genealogy, column: int = COLUMN, steps: int = STEPS) -> Drawn:
    """At most `column` particles of each step: those that weigh most at the end (half of the places) with all their
    ancestors, then, by slot, the others whose ancestors are drawn."""
    generations, sizes = spaced(len(genealogy), steps), genealogy.sizes
    column = min(column, max(2, NODES // len(generations)))
    ancestors = [genealogy.ancestors(a, b) for a, b in pairwise(generations)]
    weights = genealogy.weights(generations[-1])
    heavy = np.argsort(-weights, kind="stable")
    all_fit = len(generations) == 1 or max(sizes[t] for t in generations) <= column
    needed = [heavy[: column if all_fit else max(1, column // 2)]]
    for lines in reversed(ancestors):
        needed.insert(0, np.unique(lines[needed[0]]))
    heirs = [np.flatnonzero(weights)]
    for lines in reversed(ancestors):
        heirs.insert(0, np.unique(lines[heirs[0]]))
    slots: list[Lines] = []
    parents: list[Lines] = []
    for k, t in enumerate(generations):
        place = np.full(sizes[generations[k - 1]] if k else 1, -1)
        place[slots[-1] if k else 0] = np.arange(len(slots[-1])) if k else 0
        of = place[ancestors[k - 1]] if k else np.zeros(sizes[t], np.int64)  # -1: not drawn
        others = np.setdiff1d(np.flatnonzero(of >= 0), needed[k])[: max(0, column - len(needed[k]))]
        kept = np.union1d(needed[k], others)
        kept = kept[np.lexsort((kept, of[kept]))]
        slots.append(kept.astype(np.int32))
        parents.append(of[kept].astype(np.int32) if k else np.empty(0, np.int32))
    return Drawn(generations, slots, parents, [np.isin(s, h) for s, h in zip(slots, heirs, strict=True)])
