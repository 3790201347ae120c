"""Executions of a program whose choices a second program draws."""

from __future__ import annotations

import math
from typing import Any

from steersman.ppl.address import Address, format_address
from steersman.ppl.effects import Invocation
from steersman.ppl.errors import InvalidWeight, UnknownAddress
from steersman.ppl.particle import Particle
from steersman.ppl.trace import Trace

from .run import Run


async def advance_proposed(run: Run, wave: list[Particle], proposal: Invocation[Any] | None) -> None:
    """Run new executions to their end, so that their weight is target / proposal.

    proposal: a guide program; its choices are imposed on the sites of the same address, and the weight is divided by
    the density with which it drew them. None: the program's own proposals draw. Raises InvalidWeight for a guide that
    weighs its choices, UnknownAddress for a choice that the program never asks for.
    """
    if proposal is None:
        await run.advance(wave)
        return
    guides = run.spawn([p.slot for p in wave], proposal)
    await run.advance(guides)
    tables = {p.slot: choices_of(p.trace) for p in guides}
    used: dict[int, set[Address]] = {slot: set() for slot in tables}

    def choose(p: Particle) -> tuple[bool, Any]:
        address = p.address
        if address in tables[p.slot]:
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
