"""`conditional`: one choice of finite support is drawn from its exact conditional distribution."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Literal

import numpy as np

from steersman.ppl.address import Address, format_address
from steersman.ppl.effects import Sample
from steersman.ppl.errors import NotEnumerable, SteersmanError
from steersman.ppl.particle import Particle
from steersman.ppl.trace import Trace

from ..chain import Chain
from ..resampling.weights import normalise
from .choices import Names, choices_of, matches, none_named
from .kernel import Kernel, called
from .past import Past

Scan = Literal["systematic", "random"]


class StructureChanged(SteersmanError, ValueError):
    """A value with which the program makes other choices than with the current one."""


class Conditional(Kernel):
    """Gibbs update of a choice x_s of finite support: draw it with probability

        pi(x_s = v | x_-s) = pi(v, x_-s) / sum_v' pi(v', x_-s)

    The program is run once for each other value, all of them in common rounds, with the other choices kept and scored
    where they now stand. Values with which it makes other choices have no such conditional (StructureChanged).

    names: of the choices (all for none). scan: "systematic" updates all of them, one after the other, at each step,
    "random" one, picked uniformly. Source: Geman & Geman 1984. Cost: one run of what follows the choice for each value
    but one; texts behind it are scored again.
    """

    def __init__(self, names: Names, scan: Scan) -> None:
        self.names, self.scan = names, scan

    @property
    def name(self) -> str:
        return called("conditional", self.names, scan=self.scan if self.scan == "random" else None)

    def on(self, names: Names) -> Conditional:
        return Conditional(names, self.scan)

    def missing(self, trace: Trace) -> str | None:
        return None if self._meant(trace) else none_named(self.names, trace)

    def _meant(self, trace: Trace) -> list[Address]:
        return [c.address for c in choices_of(trace) if matches(self.names, c.address)]

    async def step(self, chain: Chain) -> None:
        meant = self._meant(chain.trace)
        if self.scan == "random" and meant:
            meant = [meant[chain.choose([1.0] * len(meant))]]
        for address in meant:
            await self._update(chain, address)

    async def _update(self, chain: Chain, address: Address) -> None:
        """Draw one choice anew."""
        old = {c.address: c.site for c in choices_of(chain.trace)}
        if address not in old:
            return
        current = old[address].value
        start = chain.restart()
        past = Past(chain.trace, address)
        await chain.run.advance([start], recall=past, pause=lambda p: True, key=chain.new_key())
        others = _others(start, address, current)
        runs = [start, *[start.fork() for _ in others[1:]]][: len(others)]
        values = {p.serial: v for p, v in zip(runs, others, strict=True)}

        def choose(p: Particle) -> tuple[bool, Any]:
            effect, here = p.pending, p.address
            assert isinstance(effect, Sample)
            if here == address:
                return True, values[p.serial]
            if here not in old or (old[here].sub is not None) is not effect.sequential:
                what = f"chooses {format_address(here)!r}"
                raise StructureChanged(_message(address, values[p.serial], current, what))
            if not getattr(effect.dist, "proposes", True):
                raise StructureChanged(f"{p.where()}: the density is an estimate, so no conditional given it is exact: "
                                       f"move {format_address(address)!r} by site()")
            return True, old[here].value

        await chain.advance(runs, choose=choose)
        for p in runs:
            lost = set() if p.dead else old.keys() - {c.address for c in choices_of(p.partial_trace())}
            if lost:
                gone = format_address(min(lost, key=str))
                raise StructureChanged(_message(address, values[p.serial], current, f"does not choose {gone!r}"))
        all_of_them = [chain.particle, *runs]
        picked = all_of_them[chain.choose(normalise(np.array([chain.log_target(p) for p in all_of_them])).tolist())]
        chain.tally.count(self.name, picked is not chain.particle)
        chain.particle = picked


def _others(p: Particle, address: Address, current: Any) -> list[Any]:
    """The values of the choice that a particle waits for, without the current one."""
    effect = p.pending
    support = effect.dist.support() if isinstance(effect, Sample) and p.address == address else None
    if support is None:
        raise NotEnumerable(f"conditional: {format_address(address)!r} in {p.model!r} has no finite support: move it "
                            "by site(), suffix() (texts) or nuts() (real numbers)")
    values = list(support)
    others = [v for v in values if v != current]
    if len(others) != len(values) - 1:
        raise NotEnumerable(f"conditional: the support of {format_address(address)!r} in {p.model!r} has the current "
                            f"value {current!r:.60} {len(values) - len(others)} times: move it by site()")
    return others


def _message(address: Address, value: Any, current: Any, what: str) -> str:
    where = format_address(address)
    return (f"conditional: with {value!r:.40} instead of {current!r:.40} at {where!r} the program {what}, so the other "
            f"choices have no meaning there: move {where!r} by site()")


def conditional(*names: Hashable, scan: Scan = "systematic") -> Conditional:
    """The exact Gibbs update of choices of finite support, as a kernel:
    ``Gibbs({"topic": conditional(), "line": suffix()}, 8, 500)``. See `Conditional`."""
    if scan not in ("systematic", "random"):
        raise ValueError(f"conditional(scan={scan!r}): expected 'systematic' or 'random'")
    return Conditional(names, scan)
