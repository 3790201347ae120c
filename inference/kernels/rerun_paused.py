"""Running an execution that is not finished again, with some of its choices drawn anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from steersman.ppl.address import Address
from steersman.ppl.effects import Sample
from steersman.ppl.frames import SequentialFrame
from steersman.ppl.particle import Particle
from steersman.ppl.trace import Site, Trace

from ..chain.paused import PausedChain
from .choices import Choice, choices_of
from .rerun import Rerun, Splice, first_atom


@dataclass
class PausedRerun(Rerun):
    """What is kept is noted atom by atom, for a stop may have cut a text. left: the atoms of the old execution that the
    new one has; found: where it has them."""

    left: set[Address] = field(default_factory=set)
    found: set[Address] = field(default_factory=set)

    @property
    def log_ratio(self) -> float:
        lost = [s.log_q for a, s in atoms_of(self.old[self.first :]).items() if a not in self.left]
        drawn = [s.log_q for a, s in atoms_of(self.new[self.first :]).items() if a not in self.found]
        return float(sum(lost) - sum(drawn))


async def rerun_paused(
    chain: PausedChain, old: list[Choice], first: int, selected: Callable[[Address], bool], splice: Splice | None,
    imposed: Mapping[Address, Any],
) -> PausedRerun:
    """`rerun` as far as the stops of the chain.

    Nothing is imposed as a whole: an execution that draws token by token stops inside texts, and so must one that is
    recalled or kept. An old text is kept as far as the new one goes; where that goes further, it is drawn.
    """
    table = atoms_of(old)
    before = [] if splice is None else list(atoms_of([old[first]]))[: splice.begin]  # they are recalled
    result = PausedRerun(
        old, [], chain.restart(), first, splice, tail_kept=True, left=set(before), found=set(before)
    )

    def choose(p: Particle) -> tuple[bool, Any]:
        effect, address = p.pending, p.address
        assert isinstance(effect, Sample)
        if address in imposed:
            result.left.add(address)
            result.found.add(address)
            return True, imposed[address]
        text = address[:-2] if isinstance(p.frames[-1], SequentialFrame) else None
        source: Address | None = address
        if splice is not None and text == splice.address:
            source = splice.source(address)
        elif selected(address if text is None else text):
            source = None
        if effect.sequential or source not in table or not getattr(effect.dist, "proposes", True):
            return False, None
        result.left.add(source)
        result.found.add(address)
        return True, table[source].value

    await chain.finish(result.particle, choose=choose, recall=_AtomByAtom(chain.trace, first_atom(old[first], splice)))
    if not result.particle.dead:
        result.new = choices_of(result.particle.partial_trace())
    return result


class _AtomByAtom:
    """Answers a particle from a trace until it meets the site `first`, texts token by token."""

    def __init__(self, trace: Trace, first: Address) -> None:
        self._sites = {a: s for a, s in trace.walk() if s.sub is None}
        self._first = first
        self._over = False

    def __call__(self, p: Particle) -> Site | None:
        self._over = self._over or p.address == self._first
        return None if self._over else self._sites.get(p.address)


def atoms_of(choices: list[Choice]) -> dict[Address, Site]:
    """The choices with their texts taken apart."""
    atoms: dict[Address, Site] = {}
    for c in choices:
        if c.is_text:
            atoms |= {(*c.address, s.name, s.k): s for s in c.site.sub.sites()}
        else:
            atoms[c.address] = c.site
    return atoms
