"""Running a guide: a program that only draws, for the density of what it drew."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from steersman.ppl.address import Address
from steersman.ppl.effects import Invocation
from steersman.ppl.errors import InvalidWeight
from steersman.ppl.particle import Particle

from ..chain import Chain


async def run_guide(
    chain: Chain, model: Invocation[Any], impose: Mapping[Address, Any] | None, who: str
) -> tuple[dict[Address, Any], float]:
    """(address -> value of its choices, their log density in nats). impose: the values that it is to have drawn;
    -inf if it could not have drawn them, or asks for others. Raises InvalidWeight for a guide that weighs or dies."""
    (particle,) = chain.run.spawn([chain.slot], model)
    unknown = False

    def choose(p: Particle) -> tuple[bool, Any]:
        nonlocal unknown
        if impose is None:
            return False, None
        address = p.address
        unknown = unknown or address not in impose
        return (True, impose[address]) if address in impose else (False, None)

    await chain.advance([particle], choose=choose)
    if particle.trace is None:
        if impose is not None:
            return {}, -math.inf
        raise InvalidWeight(f"{who}: the guide died; a guide only draws, it has no factor or condition")
    sites = particle.trace.choice_sites()
    if abs(particle.trace.log_joint - math.fsum(s.log_p for s in sites.values())) > 1e-9:
        raise InvalidWeight(f"{who}: the guide weighs its choices; a guide only draws, it has no factor or observe")
    values = {a: s.value for a, s in sites.items()}
    return values, -math.inf if unknown else math.fsum(s.log_q for s in sites.values())
