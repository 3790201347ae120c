"""Enumeration: one fork for every element of every support."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from .answer import score
from .driver import advance
from .effects import Sample
from .errors import NotEnumerable
from .keys import Key
from .particle import Particle
from .program import as_invocation
from .trace import Trace


def branch(particles: Sequence[Particle]) -> list[Particle]:
    """Replace each particle, paused before a draw, by one child for every value of positive probability.

    A child's log-weight gains log p(value), so the log-weight of a finished particle is its log joint density. All
    supports are scored together, one call for each family. Raises NotEnumerable naming the site.
    """
    supports: list[list[Any]] = []
    for p in particles:
        assert isinstance(p.pending, Sample)
        support = p.pending.dist.support()
        if support is None:
            raise NotEnumerable(
                f"{p.where()}: {p.pending.dist!r:.80} has no finite support; observe it, or use another method"
            )
        supports.append(list(support))
    flat = [(p.pending.dist, v) for p, values in zip(particles, supports, strict=True) for v in values]  # type: ignore[union-attr]
    scores = iter(score([d for d, _ in flat], [v for _, v in flat]))
    children: list[Particle] = []
    for p, values in zip(particles, supports, strict=True):
        possible = [(v, lp) for v, lp in zip(values, scores, strict=False) if lp > -math.inf]
        for i, (v, lp) in enumerate(possible):
            child = p if i == len(possible) - 1 else p.fork()  # the last child keeps the live coroutine
            child.log_weight += lp
            child.resume(v, lp, lp)
            children.append(child)
    return children


def enumerate_traces(model: Any, *, width: int = 256) -> Iterator[tuple[Trace, float]]:
    """Every trace of positive density with its log joint (nats), depth first, `width` executions at a time."""
    stack = [Particle(as_invocation(model))]
    while stack:
        front, stack = stack[-width:], stack[:-width]
        advance(front, Key(0), pause=lambda p: True)
        for p in front:
            if p.trace is not None:
                yield p.trace, p.log_weight
        stack += branch([p for p in front if not p.done])
