"""`subprogram`: all that a sub-program chose is drawn anew."""

from __future__ import annotations

import math
from collections.abc import Hashable

from steersman.ppl.address import Address, format_address, parse_address
from steersman.ppl.trace import Trace

from ..chain import Chain
from .choices import Names, choices_of, matches
from .kernel import Move, Proposal, called
from .rerun import rerun


class Subprogram(Move):
    """Pick one of the n(x) sub-program calls (or steps of an `unfold`) and draw every choice inside it anew; all other
    choices are kept where they are still made:

        log ratio = log n(x) - log n(y) + log q(what y lacks of x) - log q(what y has anew)

    names: only sub-programs of these names. Cost: the tokens of the sub-program, and what follows is scored again.
    """

    partial = True

    def __init__(self, names: Names) -> None:
        self.names = names

    @property
    def name(self) -> str:
        return called("subprogram", self.names)

    def on(self, names: Names) -> Subprogram:
        return Subprogram(names)

    def missing(self, trace: Trace) -> str | None:
        if self._scopes(trace):
            return None
        there = [format_address(a) for a, s in trace.walk() if s.kind == "program"]
        named = f" named {' or '.join(map(repr, self.names))}" if self.names else ""
        return f"no sub-program{named} makes a choice; the program has {', '.join(there[:8]) or 'no sub-program'}"

    async def propose(self, chain: Chain) -> Proposal | None:
        scopes = self._scopes(chain.trace)
        if not scopes:
            return None
        old = choices_of(chain.trace)
        scope = scopes[chain.choose([1.0] * len(scopes))]
        first = next(i for i, c in enumerate(old) if _inside(c.address, scope))
        new = await rerun(chain, old, first, lambda address: _inside(address, scope))
        if new.particle.dead:
            return Proposal(new.particle, -math.inf, first / len(old))
        back = self._scopes(new.particle.partial_trace())
        if scope not in back:  # it made no choice this time: the way back would never pick it
            return Proposal(new.particle, -math.inf, first / len(old))
        return Proposal(new.particle, new.log_ratio + math.log(len(scopes)) - math.log(len(back)), first / len(old))

    def _scopes(self, trace: Trace) -> list[Address]:
        """The sub-programs that are meant and that made a choice."""
        chose = {c.address[:n] for c in choices_of(trace) for n in range(2, len(c.address), 2)}
        return [
            a for a, s in trace.walk()
            if s.kind == "program" and a in chose and self._means(a)
        ]

    def _means(self, scope: Address) -> bool:
        return not self.names or matches(self.names, scope[-2:]) or any(parse_address(n) == scope for n in self.names)


def _inside(address: Address, scope: Address) -> bool:
    return address[: len(scope)] == scope


def subprogram(*names: Hashable) -> Subprogram:
    """A move that draws all choices of one sub-program anew: ``MH(8, 1000, subprogram("verse"))``. See `Subprogram`."""
    return Subprogram(names)
