"""`mix` and `cycle`: kernels made of kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence

from steersman.ppl.trace import Trace

from ..chain import Chain
from ..run.gather import gather
from .kernel import Kernel, Names


class _Combined(Kernel):
    """Several kernels that leave the same target invariant."""

    verb: str

    def __init__(self, kernels: Sequence[Kernel]) -> None:
        self.kernels = tuple(kernels)
        self.partial = all(k.partial for k in kernels)

    @property
    def name(self) -> str:
        return f"{self.verb}({', '.join(k.name for k in self.kernels)})"

    def missing(self, trace: Trace) -> str | None:
        reasons = [k.missing(trace) for k in self.kernels]
        if None in reasons:
            return None
        return "; ".join(f"{k.name}: {why}" for k, why in zip(self.kernels, reasons, strict=True))

    def parts(self) -> list[Kernel]:
        return [part for k in self.kernels for part in k.parts()]


class Mix(_Combined):
    """One kernel at each step, with fixed probabilities: K = sum_i w_i K_i. Source: Tierney 1994, section 2.4."""

    verb = "mix"

    def __init__(self, kernels: Sequence[Kernel], weights: Sequence[float]) -> None:
        super().__init__(kernels)
        self.weights = tuple(w / math.fsum(weights) for w in weights)

    def on(self, names: Names) -> Mix:
        return Mix([k.on(names) for k in self.kernels], self.weights)

    async def step(self, chain: Chain) -> None:
        await self.kernels[chain.choose(self.weights)].step(chain)

    async def step_all(self, chains: Sequence[Chain]) -> None:
        picked = [chain.choose(self.weights) for chain in chains]
        groups = [[c for c, k in zip(chains, picked, strict=True) if k == i] for i in range(len(self.kernels))]
        await gather([k.step_all(group) for k, group in zip(self.kernels, groups, strict=True) if group])


class Cycle(_Combined):
    """All kernels one after the other at each step: K = K_1 K_2 ... K_m. Source: Tierney 1994, section 2.4."""

    verb = "cycle"

    def on(self, names: Names) -> Cycle:
        return Cycle([k.on(names) for k in self.kernels])

    async def step(self, chain: Chain) -> None:
        for kernel in self.kernels:
            await kernel.step(chain)

    async def step_all(self, chains: Sequence[Chain]) -> None:
        for kernel in self.kernels:
            await kernel.step_all(chains)


def mix(*kernels: Kernel, weights: Sequence[float] | None = None) -> Mix:
    """One of the kernels at each step: ``mix(suffix(), block(), weights=[1, 3])``. Raises ValueError for weights that
    are no probabilities up to scale."""
    w = [1.0] * len(kernels) if weights is None else list(weights)
    _check("mix", kernels)
    if len(w) != len(kernels) or not all(0 <= x < math.inf for x in w) or not any(w):
        raise ValueError(f"mix: {len(kernels)} kernels need as many weights, at least 0 and not all 0, got {w}")
    return Mix(kernels, w)


def cycle(*kernels: Kernel) -> Cycle:
    """All the kernels in turn, in every step: ``cycle(site("topic"), suffix("story"))``."""
    _check("cycle", kernels)
    return Cycle(kernels)


def _check(verb: str, kernels: Sequence[Kernel]) -> None:
    bad = next((k for k in kernels if not isinstance(k, Kernel)), None)
    if not kernels or bad is not None:
        raise TypeError(f"{verb} takes kernels, such as {verb}(site(), suffix()); got {bad!r}")
