"""Going back: an execution run again from its record up to a given choice, for nothing."""

from __future__ import annotations

from typing import Any

from steersman.ppl.address import Address
from steersman.ppl.effects import Sample
from steersman.ppl.particle import Particle
from steersman.ppl.protocols import Machine
from steersman.ppl.trace import Site, Trace


class Past:
    """Answers a particle (as `recall` of `advance`) from a trace until it meets the site `first`.

    first may be an atom inside a text: the text is then taken up where it stood before that atom. Nothing is drawn,
    scored or called on the way, so going back costs no language-model token, and the particle arrives with the
    weight that it had there.
    """

    __slots__ = ("_first", "_sites", "over")

    def __init__(self, trace: Trace, first: Address) -> None:
        self._sites = dict(trace.outer_sites())
        self._first = first
        self.over = False

    def __call__(self, p: Particle) -> Site | Machine[Any] | None:
        if self.over:
            return None
        address, first = p.address, self._first
        if address == first:
            self.over = True
            return None
        site = self._sites.get(address)
        if isinstance(p.pending, Sample) and p.pending.sequential and first[: len(address)] == address:
            return None if site is None else site.sub.head(first[-1])
        return site
