"""`site`: one choice is drawn anew."""

from __future__ import annotations

import math
from collections.abc import Hashable

from steersman.ppl.trace import Trace

from ..chain import Chain
from .choices import Choice, Names, choices_of, cut_at, none_named
from .kernel import Move, Proposal, called
from .places import At, Places
from .rerun import Splice, rerun


class Site(Move):
    """Pick a choice, draw it anew from what the program draws it from, keep all others where they are still made:

        log ratio = log P(pick | y) - log P(pick | x) + log q(what y lacks of x) - log q(what y has anew)

    names: pick among the choices of these names (all for none). tokens: pick a single token of a text (or any other
    choice) instead of a whole one; the rest of the text is kept and scored again. at: weights for the pick. Choices
    that only one of x and y makes are drawn from the program. Source: Wingate et al. 2011, section 3.3; the terms of
    dimension after Hur et al. 2015. Cost: what stands behind the picked choice is scored again, a text in one pass.
    """

    partial = True

    def __init__(self, names: Names, tokens: bool, at: At | None) -> None:
        self.names, self.tokens, self.at = names, tokens, at

    @property
    def name(self) -> str:
        return called("site", self.names, tokens=self.tokens)

    def on(self, names: Names) -> Site:
        return Site(names, self.tokens, self.at)

    def missing(self, trace: Trace) -> str | None:
        return None if self._places(trace, choices_of(trace)).places else none_named(self.names, trace)

    async def propose(self, chain: Chain) -> Proposal | None:
        old = choices_of(chain.trace)
        places = self._places(chain.trace, old)
        if not places.places:
            return None
        place = first, k = places.draw(chain)
        picked = old[first]
        splice = Splice(picked.address, k, k + 1, k + 1) if self.tokens and picked.is_text else None
        new = await rerun(chain, old, first, lambda address: address == picked.address, splice)
        if new.particle.dead:
            return Proposal(new.particle, -math.inf, cut_at(old, first, k))
        back = self._places(new.particle.partial_trace(), new.new)
        log_pick = back.log_p(place) - places.log_p(place)
        return Proposal(new.particle, new.log_ratio + log_pick, cut_at(old, first, k))

    def _places(self, trace: Trace, choices: list[Choice]) -> Places:
        if self.tokens:
            return Places(choices, self.names, lambda c: c.atoms, at=self.at, trace=trace)
        return Places(choices, self.names, lambda c: 1, spans="choices", at=self.at, trace=trace)


def site(*names: Hashable, tokens: bool = False, at: At | None = None) -> Site:
    """A move that draws one choice anew: ``MH(8, 1000, site("topic"))``. See `Site`."""
    return Site(names, tokens, at)
