"""`block` and `edit`: moves inside a text; what follows is kept, and scored again in one pass."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping

from steersman.ppl.address import format_address
from steersman.ppl.trace import Trace

from ..chain import Chain
from ..run.sizes import whole
from .choices import Choice, Names, choices_of, cut_at, matches, none_named
from .kernel import Move, Proposal, called
from .places import At, Places
from .rerun import Splice, rerun

Lengths = tuple[int, int]


class Block(Move):
    """Replace m tokens of a text by m' tokens that the model draws after the same prefix; what follows them is kept.

    Draw (m, m') with probability J(m, m'), then a place s with P(s), s = 0..n-m-1 (never the end of the text):

        log ratio = log J(m', m) - log J(m, m') + log P(s | y) - log P(s | x)
                  + sum log q(replaced tokens) - sum log q(new tokens)

    The terms of P cancel when it is uniform, for n' - m' = n - m. A proposal whose text would end earlier or later
    than with its last token is rejected. lengths: (m, m') -> J. names: only in these texts. at: weights for the place,
    one for each token. Cost: m' tokens drawn, the rest of the text scored in one teacher-forced pass, and what follows
    the text. Source: Hastings 1970; the moves of dimension are those of Green 1995, "Reversible jump Markov chain
    Monte Carlo computation".
    """

    partial = True

    def __init__(self, verb: str, lengths: Mapping[Lengths, float], names: Names, at: At | None) -> None:
        self.verb, self.lengths, self.names, self.at = verb, dict(lengths), names, at

    @property
    def name(self) -> str:
        return called(self.verb, self.names)

    def on(self, names: Names) -> Block:
        return Block(self.verb, self.lengths, names, self.at)

    def missing(self, trace: Trace) -> str | None:
        meant = [c for c in choices_of(trace) if matches(self.names, c.address)]
        if any(c.is_text for c in meant):
            return None
        found = ", ".join(format_address(c.address) for c in meant[:8])
        why = f"{found} is no text" if found else none_named(self.names, trace)
        return f"{why}; it works on texts, such as sample(lm.text(...), 'line')"

    async def propose(self, chain: Chain) -> Proposal | None:
        old = choices_of(chain.trace)
        m, new_m = list(self.lengths)[chain.choose(list(self.lengths.values()))]
        places = self._places(chain.trace, old, m)
        if not places.places:
            return None
        place = first, s = places.draw(chain)
        text, cut = old[first], cut_at(old, first, s)
        splice = Splice(text.address, s, s + m, s + new_m)
        new = await rerun(chain, old, first, lambda address: False, splice)
        if new.particle.dead or not new.tail_kept:  # the text ended inside the block
            return Proposal(new.particle, -math.inf, cut)
        back = self._places(new.particle.partial_trace(), new.new, new_m)
        log_j = math.log(self.lengths[new_m, m]) - math.log(self.lengths[m, new_m])
        return Proposal(new.particle, new.log_ratio + log_j + back.log_p(place) - places.log_p(place), cut)

    def _places(self, trace: Trace, choices: list[Choice], m: int) -> Places:
        return Places(choices, self.names, lambda c: c.atoms - m if c.is_text else 0, at=self.at, trace=trace)


def block(*names: Hashable, length: int = 4, at: At | None = None) -> Block:
    """A move that replaces 1 to `length` tokens of a text by as many drawn ones: ``MH(8, 1000, block("line"))``.

    See `Block`; J is uniform over m = m' = 1..length.
    """
    whole("block", length=length)
    return Block("block", {(m, m): 1.0 / length for m in range(1, length + 1)}, names, at)


def edit(
    *names: Hashable, insert: float = 1.0, delete: float = 1.0, replace: float = 1.0, length: int = 1,
    at: At | None = None,
) -> Block:
    """A move that inserts, deletes or replaces up to `length` tokens of a text: ``MH(8, 1000, edit("line"))``.

    insert, delete, replace: how often each is tried, in proportion; a chain that inserts must also delete, or it could
    never go back (ValueError). See `Block`: (m, m') is (0, k), (k, 0) or (k, k), k uniform over 1..length.
    """
    whole("edit", length=length)
    rates = {"insert": insert, "delete": delete, "replace": replace}
    total = math.fsum(rates.values())
    if not all(0 <= r < math.inf for r in rates.values()) or total == 0 or (insert > 0) != (delete > 0):
        raise ValueError(f"edit({rates}): rates are at least 0, not all 0, and what is inserted must be deletable: "
                         "give both insert and delete, or neither")
    lengths: dict[Lengths, float] = {}
    for k in range(1, length + 1):
        for rate, pair in ((insert, (0, k)), (delete, (k, 0)), (replace, (k, k))):
            if rate:
                lengths[pair] = rate / total / length
    return Block("edit", lengths, names, at)
