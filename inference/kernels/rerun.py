"""Running an execution again with some of its choices drawn anew: what most moves propose by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from steersman.ppl.address import Address
from steersman.ppl.effects import Sample
from steersman.ppl.particle import Particle
from steersman.ppl.requests import Rest

from ..chain import Chain
from ..chain.paused import PausedChain
from .choices import Choice, choices_of
from .past import Past


@dataclass(frozen=True)
class Splice:
    """In the text at `address`, the atoms begin..old_end are replaced by as many drawn ones as begin..new_end; those
    that followed are kept."""

    address: Address
    begin: int
    old_end: int
    new_end: int

    def source(self, atom: Address) -> Address | None:
        """Where the atom of the new text stood in the old one; None if it is to be drawn."""
        k = int(atom[-1])  # type: ignore[call-overload]
        return None if k < self.new_end else (*atom[:-1], k - self.new_end + self.old_end)


@dataclass
class Rerun:
    """An execution run again. kept: the choices that have their old values, or imposed ones, scored where they now
    stand."""

    old: list[Choice]
    new: list[Choice]
    particle: Particle
    first: int
    splice: Splice | None
    kept: set[Address] = field(default_factory=set)
    tail_kept: bool = False

    @property
    def log_ratio(self) -> float:
        """log q(old | new) - log q(new | old) of what was drawn, in nats: each is the density of what is not kept."""
        return self._log_q(self.old, old=True) - self._log_q(self.new, old=False)

    def _log_q(self, choices: list[Choice], old: bool) -> float:
        total = 0.0
        for c in choices[self.first :]:
            s = self.splice
            if s is not None and c.address == s.address:
                total += c.log_q(s.begin, (s.old_end if old else s.new_end) if self.tail_kept else None)
            elif c.address not in self.kept:
                total += c.log_q()
        return total


async def rerun(
    chain: Chain, old: list[Choice], first: int, selected: Callable[[Address], bool], splice: Splice | None = None,
    impose: Mapping[Address, Any] | None = None,
) -> Rerun:
    """Run the chain's execution again from its choice number `first` (from the splice inside it).

    Before it nothing is computed. From there on the selected choices, and those that the old execution did not meet,
    are drawn; `impose` gives values to some; the others keep their values, a text in one teacher-forced pass.
    """
    if isinstance(chain, PausedChain):
        from .rerun_paused import rerun_paused

        return await rerun_paused(chain, old, first, selected, splice, impose or {})
    trace, table = chain.trace, {c.address: c for c in old}
    begin = first_atom(old[first], splice)
    result = Rerun(old, [], chain.restart(), first, splice)
    kept, imposed = result.kept, impose or {}

    def choose(p: Particle) -> tuple[bool, Any]:
        effect, address = p.pending, p.address
        assert isinstance(effect, Sample)
        if address in imposed:
            kept.add(address)  # its density is the business of whoever imposes it
            return True, imposed[address]
        if splice is not None and len(address) == len(splice.address) + 2 and address[:-2] == splice.address:
            return _next_atom(p, splice, table, result)
        old_choice = table.get(address)
        if old_choice is None or selected(address) or not getattr(effect.dist, "proposes", True):
            return False, None
        if old_choice.is_text is not effect.sequential:  # of the same name, but something else
            return False, None
        kept.add(address)
        return True, old_choice.site.value

    await chain.finish(result.particle, choose=choose, recall=Past(trace, begin))
    if not result.particle.dead:
        result.new = choices_of(result.particle.partial_trace())
    return result


def first_atom(choice: Choice, splice: Splice | None) -> Address:
    if splice is None:
        return choice.address
    name = choice.site.sub.sites()[0].name
    return (*choice.address, name, splice.begin)


def _next_atom(p: Particle, splice: Splice, table: Mapping[Address, Choice], result: Rerun) -> tuple[bool, Any]:
    """Draw the atoms of the splice, then keep what followed it, if anything did."""
    tail = table[splice.address].values()[splice.old_end :]
    if len(p.text_so_far) < splice.new_end or not tail:
        return False, None
    result.tail_kept = True
    return True, Rest(tail)


