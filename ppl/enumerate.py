"""Enumeration: one fork for every element of every support."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from .answer import invalid_density, score
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
    supports are scored together, one call for each family. Raises NotEnumerable, or InvalidWeight for a density that is
    NaN or +inf, naming the site.
    """
    options: list[tuple[Particle, Sample[Any], Any]] = []
    for p in particles:
        effect = p.pending
        assert isinstance(effect, Sample)
        support = effect.dist.support()
        if support is None:
            raise NotEnumerable(
                f"{p.where()}: {effect.dist!r:.80} has no finite support; observe it, or use another method"
            )
        options += [(p, effect, value) for value in support]
    values = [value for _, _, value in options]
    log_p = score([effect.dist for _, effect, _ in options], values)
    log_q = log_p
    if any(effect.proposal is not None for _, effect, _ in options):  # the density that a reverse move needs
        log_q = score([effect.dist if effect.proposal is None else effect.proposal for _, effect, _ in options], values)
    for (p, _, value), lp in zip(options, log_p, strict=True):
        if not lp < math.inf:  # NaN or +inf
            raise invalid_density(p, value, lp)
    possible = [(*o, lp, lq) for o, lp, lq in zip(options, log_p, log_q, strict=True) if lp > -math.inf]
    children: list[Particle] = []
    for i, (p, _, value, lp, lq) in enumerate(possible):
        last = i + 1 == len(possible) or possible[i + 1][0] is not p
        child = p if last else p.fork()  # the last child keeps the live coroutine
        child.log_weight += lp
        child.resume(value, lp, lq)
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
