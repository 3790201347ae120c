"""The parameters of a program: the choices that it makes first, as a chain of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from steersman.ppl.address import format_address
from steersman.ppl.effects import Observe, Sample
from steersman.ppl.errors import SteersmanError
from steersman.ppl.keys import Key
from steersman.ppl.particle import Particle
from steersman.ppl.requests import Choose, Recall
from steersman.ppl.trace import Site

from ..chain import Chain
from .choices import Names, choices_of, matches


class ParameterOutOfPlace(SteersmanError, ValueError):
    """A parameter that is chosen after something that is none."""


class ParameterChain(Chain):
    """A chain of executions that wait before their first choice that is no parameter, so that moves change just these.

    Its decisions and draws are those of the chain that it belongs to. Observations are passed over.
    """

    def __init__(self, chain: Chain, names: Names, particle: Particle) -> None:
        super().__init__(chain.run, chain.slot, particle, chain.target)
        self.memory, self.adapting = chain.memory, chain.adapting
        self._outer, self._names = chain, names

    def new_key(self) -> Key:
        return self._outer.new_key()

    def choose(self, weights: Sequence[float]) -> int:
        return self._outer.choose(weights)

    async def finish(
        self, particle: Particle, *, choose: Choose | None = None, recall: Recall | None = None
    ) -> None:
        await self.run.advance(
            [particle], choose=choose, recall=lambda p: _passed_over(p) or (recall(p) if recall else None),
            pause=lambda p: not matches(self._names, p.address), key=self.new_key(),
        )


async def parameters_of(chain: Chain, names: Names) -> Particle:
    """The current execution as far as its last parameter, for nothing. Raises ParameterOutOfPlace where a parameter
    comes after another choice."""
    sites = dict(chain.trace.outer_sites())

    def recall(p: Particle) -> Any:
        if isinstance(p.pending, Sample) and not matches(names, p.address):
            return None
        return _passed_over(p) or sites.get(p.address)

    particle = chain.restart()
    await chain.run.advance([particle], recall=recall, pause=lambda p: True, key=chain.new_key())
    here = {c.address for c in choices_of(particle.partial_trace())}
    for address in sites:
        if sites[address].kind == "sample" and matches(names, address) and address not in here:
            raise out_of_place(format_address(address))
    return particle


def out_of_place(address: str) -> ParameterOutOfPlace:
    return ParameterOutOfPlace(
        f"the parameter {address!r} is chosen after a choice that is no parameter: parameters must be the first "
        "choices of the program; choose it earlier, or leave it to the particles (out of parameters=)"
    )


def _passed_over(p: Particle) -> Site | None:
    effect = p.pending
    return Site(effect.name, 0, "observe", None) if isinstance(effect, Observe) else None
