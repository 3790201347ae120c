"""The reference trajectory of a conditional sweep, answered from its trace."""

from __future__ import annotations

import math

from steersman.ppl.address import format_address
from steersman.ppl.effects import Sample
from steersman.ppl.errors import ReplayDivergence
from steersman.ppl.particle import Particle
from steersman.ppl.trace import Site, Trace

from .given import Given


class Reference:
    """Answers the retained particle (as `recall` of `advance`) from the trace of a finished execution: nothing is
    drawn, scored or called, and its weight grows as if it had just been drawn.

    Texts are answered token by token, so that it stops wherever an execution that draws them stops. What `given`
    imposes on the whole population is left to it. Raises ReplayDivergence where the program asks for another site than
    the recorded one, and where the proposal cannot draw what is recorded (its weight would be infinite).
    """

    def __init__(self, trace: Trace, given: Given | None = None) -> None:
        self.trace = trace
        self._given = given
        self._sites = {a: s for a, s in trace.walk() if s.sub is None}

    def __call__(self, p: Particle) -> Site | None:
        effect, address = p.pending, p.address
        if isinstance(effect, Sample) and (effect.sequential or self._imposed(p)):
            return None
        assert effect is not None
        site = self._sites.get(address)
        if site is None or site.kind != effect.kind:
            has = "no such site" if site is None else f"{site.kind} {format_address(address)!r}"
            raise self._error(f"{p.where()} is asked for, and the recorded execution has {has}")
        if site.log_q == -math.inf:
            raise self._error(f"the proposal at {p.where()} cannot draw the recorded {site.value!r:.60}")
        return site

    def check(self, p: Particle) -> None:
        """Raise ReplayDivergence unless the retained particle is alive, or finished after all that is recorded."""
        if p.dead:
            raise self._error(f"it dies at {p.killed_by!r}")
        if p.trace is not None:
            met = p.trace.choice_sites()
            for address in self.trace.choice_sites():
                if address not in met:
                    raise self._error(f"the program returns without asking for {format_address(address)!r}")

    def _imposed(self, p: Particle) -> bool:
        return self._given is not None and self._given.imposes(p.address)

    def _error(self, why: str) -> ReplayDivergence:
        return ReplayDivergence(
            f"the reference trajectory of the conditional sweep cannot be replayed: {why}. It must be an execution of "
            "this very program, which must be a function of its choices; start the chain from this program's own runs"
        )
