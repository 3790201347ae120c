"""Making the next generation of a population: copies of the particles that resampling has chosen."""

from __future__ import annotations

import math
from collections.abc import Sequence

from steersman.ppl.particle import Particle

from ..resampling import Ancestry


def copies(particles: Sequence[Particle], index: Sequence[int]) -> list[Particle]:
    """Child j, in slot j, is a copy of parent index[j]. The first child of a parent keeps its live coroutine; only the
    others replay."""
    taken: set[int] = set()
    children: list[Particle] = []
    for slot, i in enumerate(index):
        child = particles[i] if i not in taken else particles[i].fork()
        taken.add(i)
        child.slot = slot
        children.append(child)
    return children


def offspring(particles: Sequence[Particle], ancestry: Ancestry) -> list[Particle]:
    """The next generation: child j is a copy of parent index[j] with log-weight log weights[j]."""
    children = copies(particles, ancestry.index.tolist())
    for child, weight in zip(children, ancestry.weights.tolist(), strict=True):
        child.log_weight = math.log(weight)
    return children
