"""Ancestor sampling: the reference trajectory gets another past, drawn from the population."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from steersman.ppl.address import Address
from steersman.ppl.effects import Observe, Sample
from steersman.ppl.particle import Particle
from steersman.ppl.requests import Rest
from steersman.ppl.trace import Trace

from ..chain import Chain
from ..resampling.weights import normalise
from .given import Given
from .reference import Reference


async def sample_ancestor(
    chain: Chain, population: Sequence[Particle], retained: Reference, given: Given | None = None
) -> tuple[int, Reference]:
    """(ancestor of slot 0, the reference from there on): x'_{t+1:T} are the choices that the reference has yet to make,

        P(A_0 = i)  proportional to  w_i  gamma_T(x_i_{1:t}, x'_{t+1:T}) / gamma_t(x_i_{1:t})

    Every particle is forked and run to its end with those choices imposed by address and scored; the weight it ends
    with is the one above. It is 0 where the execution dies, asks for a choice that the reference does not make (or
    under which texts would have another length), or returns before all are made; then particle 0 is among those left.
    The execution that is chosen becomes the reference. gamma_t includes the twists in force, gamma_T has none.

    What cannot be scored exactly is not imposed: a past that would lead to a choice or observation whose density is
    estimated (`posterior_of` with a Monte Carlo method) has weight 0, so the reference keeps its own. Source: Lindsten,
    Jordan & Schön 2014, "Particle Gibbs with ancestor sampling", equation 11. Cost: at every stop the rest of the
    reference is scored after N - 1 pasts, a text in one teacher-forced pass, and calls and observations after each.
    """
    pasts = await possible_pasts(chain, population, retained, given)
    slots = list(pasts)
    picked = slots[chain.choose(normalise([pasts[i][0] for i in slots]).tolist())]
    return picked, pasts[picked][1]


async def possible_pasts(
    chain: Chain, population: Sequence[Particle], retained: Reference, given: Given | None = None
) -> dict[int, tuple[float, Reference]]:
    """Slot -> (log of the weight above, the reference with that past), where the weight is not 0."""
    own, here = population[0], population[0].partial_trace()
    future = _future(retained.trace, here)
    known = retained.trace.log_joint - here.log_joint - own.log_twist
    pasts = {0: (own.log_weight + known, retained)}
    forks = {i: p if p.done else p.fork() for i, p in enumerate(population) if i and not p.dead}
    for i in await _Continuation(future).run(chain, forks):
        trace = forks[i].trace
        if trace is not None and (given is None or given.agrees(trace)):
            pasts[i] = forks[i].log_weight, Reference(trace, given)
    return pasts


class _Continuation:
    """The future choices, imposed on forks."""

    def __init__(self, future: dict[Address, tuple[Any, bool]]) -> None:
        self._future = future
        self._made: Counter[int] = Counter()
        self._estimated: set[int] = set()

    async def run(self, chain: Chain, forks: dict[int, Particle]) -> list[int]:
        """The forks that have ended after making these choices and no other."""
        await chain.run.advance(
            list(forks.values()), choose=self._choose, recall=self._look, pause=lambda p: True, key=chain.new_key()
        )
        return [
            i for i, p in forks.items()
            if p.trace is not None and self._made[p.serial] == len(self._future) and p.serial not in self._estimated
        ]

    def _choose(self, p: Particle) -> tuple[bool, Any]:
        effect = p.pending
        assert isinstance(effect, Sample)
        value, sequential = self._future.get(p.address, (None, None))
        if sequential is not effect.sequential or not _exact(effect.dist):
            return False, None  # where something would have to be drawn the fork is left behind
        self._made[p.serial] += 1
        return True, value

    def _look(self, p: Particle) -> None:
        if isinstance(p.pending, Observe) and not _exact(p.pending.dist):
            self._estimated.add(p.serial)


def _exact(dist: Any) -> bool:
    """Whether the density of a distribution can be computed rather than estimated."""
    return bool(getattr(dist, "proposes", True))


def _future(whole: Trace, here: Trace) -> dict[Address, tuple[Any, bool]]:
    """The choices that `whole` makes after those of its beginning `here`: address -> (value, is it a whole text). What
    remains of a text that is half drawn stands, as `Rest`, at the address of its next token."""
    made = here.choice_sites()
    future: dict[Address, tuple[Any, bool]] = {}
    for address, site in whole.choice_sites().items():
        if address in made:
            continue
        if site.sub is None:
            future[address] = site.value, False
            continue
        tokens = [((*address, s.name, s.k), s.value) for s in site.sub.sites()]
        left = [(a, v) for a, v in tokens if a not in made]
        if len(left) == len(tokens):
            future[address] = site.value, True
        else:
            future[left[0][0]] = Rest(tuple(v for _, v in left)), False
    return future
