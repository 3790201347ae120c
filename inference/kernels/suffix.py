"""`suffix`: everything from a cut on is drawn anew."""

from __future__ import annotations

import math
from collections.abc import Hashable

from steersman.ppl.trace import Trace

from ..chain import Chain
from .choices import Choice, Names, choices_of, cut_at, none_named
from .kernel import Move, Proposal, called
from .places import At, Places
from .rerun import Splice, rerun


class Suffix(Move):
    """Pick a cut c among the n(x) atoms of the execution (its tokens and other choices, the end of a text included) and
    draw everything from there on anew:

        log ratio = log P(c | y) - log P(c | x) + sum_{i >= c} log q(x_i) - sum_{i >= c} log q(y_i)

    which is log n(x) - log n(y) + ... for a uniform cut. Texts grow and shrink, since their ends are atoms like any
    other. names: cut only inside these texts or choices; whatever follows is drawn anew, too. at: weights for the cut.
    Source: the suffix proposal of Faria et al. 2024, "QUEST", section 3, with sums of log-probabilities and the ratio
    of lengths. Cost: as many language-model tokens as are drawn; the prefix is not computed again.
    """

    partial = True

    def __init__(self, names: Names, at: At | None) -> None:
        self.names, self.at = names, at

    @property
    def name(self) -> str:
        return called("suffix", self.names)

    def on(self, names: Names) -> Suffix:
        return Suffix(names, self.at)

    def missing(self, trace: Trace) -> str | None:
        return None if self._places(trace, choices_of(trace)).places else none_named(self.names, trace)

    async def propose(self, chain: Chain) -> Proposal | None:
        old = choices_of(chain.trace)
        places = self._places(chain.trace, old)
        if not places.places:
            return None
        place = first, k = places.draw(chain)
        cut = cut_at(old, first, k)
        picked = old[first]
        splice = Splice(picked.address, k, picked.atoms, picked.atoms) if picked.is_text else None
        new = await rerun(chain, old, first, lambda address: True, splice)
        if new.particle.dead:
            return Proposal(new.particle, -math.inf, cut)
        back = self._places(new.particle.partial_trace(), new.new)
        return Proposal(new.particle, new.log_ratio + back.log_p(place) - places.log_p(place), cut)

    def _places(self, trace: Trace, choices: list[Choice]) -> Places:
        return Places(choices, self.names, lambda c: c.atoms, at=self.at, trace=trace)


def suffix(*names: Hashable, at: At | None = None) -> Suffix:
    """A move that draws everything from a random cut on anew: ``MH(8, 1000, suffix())``. See `Suffix`."""
    return Suffix(names, at)
