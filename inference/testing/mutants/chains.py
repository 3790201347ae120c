"""Bugs of Markov chain methods: what is counted, which keys are drawn with, which target is in force."""

from __future__ import annotations

from steersman.ppl.particle import Particle

from ...chain import Chain
from ...chain.target import Joint, Tempered
from ...mh import MH
from ...run import Run


class RejectedNotCounted(MH):
    """The chain is kept only when a proposal was accepted; where it stayed is not counted again."""

    @property
    def _independent(self) -> bool:
        return False

    async def _transition(self, run: Run, chains: list[Chain]) -> None:
        before = [chain.particle for chain in chains]
        for _ in range(200):
            still = [c for c, particle in zip(chains, before, strict=True) if c.particle is particle]
            if not still:
                return
            await super()._transition(run, still)


class SlotsShareKeys(MH):
    """All chains draw with the keys of slot 0."""

    def _prepare(self, chain: Chain, t: int) -> None:
        super()._prepare(chain, t)
        chain._key = chain.run.key.fold(t, 0)


class StepsShareKeys(MH):
    """Every step draws with the keys of the first."""

    def _prepare(self, chain: Chain, t: int) -> None:
        super()._prepare(chain, 1)


class HotWarmUp(MH):
    """No bug: the warm-up goes over a flatter target, which is put back in time."""

    def _prepare(self, chain: Chain, t: int) -> None:
        super()._prepare(chain, t)
        chain.target = Tempered(0.2) if 2 * t <= self.warmup else Joint()


class StaleTarget(HotWarmUp):
    """The flatter target of the warm-up is still in force afterwards."""

    def _prepare(self, chain: Chain, t: int) -> None:
        MH._prepare(self, chain, t)
        chain.target = Tempered(0.2)


class IgnoresData(MH):
    """The likelihood is left out: the chain samples the prior."""

    beta = 0.0

    def _chain(self, run: Run, slot: int, particle: Particle) -> Chain:
        return Chain(run, slot, particle, Tempered(self.beta))


class Overconfident(IgnoresData):
    """The likelihood counts four times."""

    beta = 4.0
