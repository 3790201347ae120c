"""`propose`: a program of the user proposes the new values."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from steersman.ppl.address import Address, format_address
from steersman.ppl.effects import Invocation
from steersman.ppl.errors import UnknownAddress
from steersman.ppl.trace import Trace

from ..chain import Chain
from .choices import Choice, choices_of
from .guide import run_guide
from .kernel import Move, Proposal
from .rerun import Rerun, rerun

Guide = Callable[[Trace], Invocation[Any]]


class Propose(Move):
    """A guide program g, called with the current trace, draws new values u for some of the program's choices, by their
    addresses; the others are kept, or drawn from the program where they are new:

        log ratio = log g(u' | y) - log g(u | x) + log q(what y lacks of x) - log q(what y has anew)

    u' are the old values of what the guide would propose from y, and log g(u' | y) is found by running it on y with
    them imposed. A proposal is rejected when the guide could not lead back: when from y it would not ask for the very
    choices that it changed. Source: Cusumano-Towner et al. 2019, "Gen", section 4.2 (custom proposals).
    """

    def __init__(self, guide: Guide) -> None:
        self.guide = guide

    @property
    def name(self) -> str:
        return f"propose({getattr(self.guide, '__name__', 'guide')})"

    async def propose(self, chain: Chain) -> Proposal | None:
        drawn, log_forward = await self._run(chain, chain.trace, None)
        old = choices_of(chain.trace)
        first = next((i for i, c in enumerate(old) if c.address in drawn), None)
        if first is None:
            raise UnknownAddress(f"{self.name} proposes {_names(drawn)}, which the execution has not: it has "
                                 f"{_names({c.address: None for c in old})}")
        new = await rerun(chain, old, first, lambda address: False, impose=drawn)
        if new.particle.dead:
            return Proposal(new.particle, -math.inf, first / len(old))
        here = {c.address for c in new.new}
        if missed := [a for a in drawn if a not in here]:
            raise UnknownAddress(f"{self.name} proposes {_names(dict.fromkeys(missed))}, which the program did not ask "
                                 "for with the other values")
        log_ratio = await self._way_back(chain, new, drawn)
        return Proposal(new.particle, log_ratio - log_forward, first / len(old))

    async def _way_back(self, chain: Chain, new: Rerun, drawn: dict[Address, Any]) -> float:
        """log g(u' | y) + log q(what y lacks of x) - log q(what y has anew); -inf where there is no way back."""
        before = {c.address: c for c in new.old}
        asked, log_back = await self._run(chain, new.particle.partial_trace(), before)
        after = {c.address for c in new.new}
        changed_here = {a for a in drawn if a in before}
        changed_back = {a for a in asked if a in after}
        if log_back == -math.inf or changed_here != changed_back:
            return -math.inf
        lost = sum(c.log_q() for c in new.old[new.first :] if c.address not in new.kept | asked.keys())
        found = sum(c.log_q() for c in new.new[new.first :] if c.address not in new.kept | drawn.keys())
        return log_back + lost - found

    async def _run(
        self, chain: Chain, trace: Trace, old: dict[Address, Choice] | None
    ) -> tuple[dict[Address, Any], float]:
        """The guide on a trace: what it asks for and the log density; with the old values imposed where given."""
        impose = None if old is None else {a: c.site.value for a, c in old.items()}
        return await run_guide(chain, self.guide(trace), impose, self.name)


def propose(guide: Guide) -> Propose:
    """A move that proposes by a program: ``MH(8, 500, propose(guide))`` with ``guide(trace)`` a program call whose
    choices are named like the choices that they change. See `Propose`."""
    if not callable(guide):
        raise TypeError(f"propose takes a program of one argument, the current trace; got {guide!r}")
    return Propose(guide)


def _names(addresses: dict[Address, Any]) -> str:
    return ", ".join(format_address(a) for a in list(addresses)[:8]) or "nothing"
