"""`Proposed`: executions of a program whose choices are drawn by a guide."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from steersman.ppl.address import Address, format_address
from steersman.ppl.effects import Invocation
from steersman.ppl.errors import InvalidWeight, UnknownAddress
from steersman.ppl.guided import SiteGuide, guided
from steersman.ppl.measure import check_measure
from steersman.ppl.particle import Particle
from steersman.ppl.program import as_invocation
from steersman.ppl.trace import Trace

from ..run import Run


class Proposed:
    """How a method draws executions: by the proposals of the program itself (None), by a guide program that runs ahead
    and whose choices are imposed on the sites of the same address, or by a `Guide` in step with the program."""

    __slots__ = ("guide", "program")

    def __init__(self, proposal: Any = None) -> None:
        in_step = hasattr(proposal, "proposer") or isinstance(proposal, SiteGuide)
        self.guide: Any = getattr(proposal, "proposer", proposal) if in_step else None
        self.program: Invocation[Any] | None = None if proposal is None or in_step else as_invocation(proposal)

    def spawn(self, run: Run, slots: Sequence[int] | range) -> list[Particle]:
        """New executions, in these slots."""
        return run.spawn(slots, self.model(run))

    def model(self, run: Run) -> Invocation[Any]:
        """The program of a run, under the guide that is in step with it."""
        return run.model if self.guide is None else guided(run.model, self.guide)

    async def advance(self, run: Run, wave: list[Particle]) -> None:
        """Run them to their end, so that their weight is target / proposal.

        Raises InvalidWeight for a guide program that weighs its choices, UnknownAddress for a choice of it that the
        program never asks for.
        """
        if self.program is None:
            await run.advance(wave)
            return
        guides = run.spawn([p.slot for p in wave], self.program)
        sources: dict[tuple[int, Address], Any] = {}

        def note(p: Particle) -> tuple[bool, Any]:
            sources[p.slot, p.address] = p.pending.dist  # type: ignore[union-attr]
            return False, None

        await run.advance(guides, choose=note)
        tables = {p.slot: choices_of(p.trace) for p in guides}
        used: dict[int, set[Address]] = {slot: set() for slot in tables}

        def choose(p: Particle) -> tuple[bool, Any]:
            address = p.address
            if address in tables[p.slot]:
                check_measure(p, p.pending.dist, sources.get((p.slot, address)))  # type: ignore[union-attr]
                used[p.slot].add(address)
                return True, tables[p.slot][address][0]
            return False, None

        await run.advance(wave, choose=choose)
        for p in wave:
            if p.dead:
                continue
            missed = tables[p.slot].keys() - used[p.slot]
            if missed:
                site = format_address(min(missed, key=repr))
                raise UnknownAddress(f"the proposal drew {site!r}, which the program never asked for")
            p.log_weight -= sum(log_q for _, log_q in tables[p.slot].values())


def choices_of(trace: Trace | None) -> dict[Address, tuple[Any, float]]:
    """Address -> (value, log q) of every choice of a guide."""
    if trace is None:
        raise InvalidWeight("the proposal program died: a guide only draws, it has no factor or condition")
    sites = trace.choice_sites()
    if abs(trace.log_joint - math.fsum(s.log_p for s in sites.values())) > 1e-9:
        raise InvalidWeight("the proposal program weighs its choices: a guide only draws, it has no factor or observe")
    return {a: (s.value, s.log_q) for a, s in sites.items()}
