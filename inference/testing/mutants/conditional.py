"""Bugs of conditional SMC, and of the methods that are built on it: particle Gibbs, particle-marginal MH."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from steersman.ppl.effects import Sample
from steersman.ppl.particle import Particle
from steersman.ppl.trace import Trace

from ...chain import Chain
from ...kernels.kernel import Proposal
from ...kernels.particle_gibbs import ParticleGibbsKernel
from ...kernels.particle_marginal import ParticleMarginal, _Current
from ...population.ancestor_sampling import possible_pasts
from ...population.csmc import ConditionalSMC, Sweep
from ...population.reference import Reference
from ...resampling.weights import ess, normalise
from .planting import last_potential


def swept_by(sweep: type[ConditionalSMC], kernel: ParticleGibbsKernel) -> ParticleGibbsKernel:
    """The kernel with another sweep."""
    planted = ParticleGibbsKernel(kernel.size, kernel.names, kernel.resample_at, kernel.ancestor_sampling)
    planted.sweep = sweep
    return planted


class ReferenceInherited(ConditionalSMC):
    """A copy of the reference in another slot goes on along the reference, too."""

    _heirs = frozenset({0})

    def recall(self, p: Particle) -> Any:
        return self.retained(p) if self.retained is not None and p.slot in self._heirs else None

    def children(self, index: list[int]) -> list[Particle]:
        self._heirs = frozenset({0} | {j for j, i in enumerate(index) if i in self._heirs})
        return super().children(index)


class SystematicAround(ConditionalSMC):
    """All N slots are resampled systematically, and then the reference is put back into slot 0."""

    def draw_parents(self, W: list[float], n: int) -> list[int]:
        ends = np.cumsum(W)
        breaks = np.unique(np.concatenate([[0.0, 1.0], (ends[:-1] * self.size) % 1.0]))  # between them all is the same
        at = self.chain.choose(np.diff(breaks).tolist())
        points = (np.arange(self.size) + breaks[at : at + 2].mean()) / self.size
        index: list[int] = np.searchsorted(ends, points * ends[-1], side="right").tolist()
        return index[self.size - n :]


class OthersDecide(ConditionalSMC):
    """Resampling is adaptive, and whether to resample is decided by the weights of the others alone."""

    async def _resample(self, W: list[float]) -> None:
        others = np.array(W[1:])
        if ess(others) < 0.995 * len(others):
            await super()._resample(W)


class ReferenceDropped(ConditionalSMC):
    """A reference that has finished is resampled like any other particle."""

    async def _resample(self, W: list[float]) -> None:
        if self.population[0].done:
            self.retained = None
        await super()._resample(W)


class FinishedReferenceReweighted(ConditionalSMC):
    """A reference that has finished is weighted by its last potential again at every later stop."""

    _ended: Trace | None = None

    async def _stretch(self) -> None:
        await super()._stretch()
        self.population[0].log_weight += last_potential(self._ended)
        self._ended = self.population[0].trace


class PassesOverStops(ConditionalSMC):
    """The reference takes a text at one go, without the stops inside it."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        if self.retained is not None:
            self.retained = _Whole(self.retained.trace)


class _Whole(Reference):
    def __call__(self, p: Particle) -> Any:
        if isinstance(p.pending, Sample) and p.pending.sequential:
            return self.trace.site(p.address)
        return super().__call__(p)


class FutureForgotten(ConditionalSMC):
    """The new past of the reference is drawn by weight, whatever its future thinks of it."""

    async def draw_ancestor(self, retained: Reference) -> tuple[int, Reference]:
        pasts = await possible_pasts(self.chain, self.population, retained, self.given)
        slots = list(pasts)
        W = normalise([self.population[i].log_weight for i in slots])
        picked = slots[self.chain.choose(W.tolist())]
        return picked, pasts[picked][1]


class TwistInPast(ConditionalSMC):
    """The weight of the reference's own past still holds the twist that is in force."""

    async def draw_ancestor(self, retained: Reference) -> tuple[int, Reference]:
        pasts = await possible_pasts(self.chain, self.population, retained, self.given)
        slots = list(pasts)
        log_w = [pasts[i][0] + (0 if i else self.population[0].log_twist) for i in slots]
        picked = slots[self.chain.choose(normalise(log_w).tolist())]
        return picked, pasts[picked][1]


class SurvivorsAlike(ConditionalSMC):
    """The next reference is drawn among the survivors without their weights."""

    async def run(self) -> Sweep:
        sweep = await super().run()
        return replace(sweep, log_weights=np.where(sweep.log_weights > -np.inf, 0.0, -np.inf))


class EvidenceDrawnAnew(ParticleMarginal):
    """The evidence of the current parameters is estimated again, by a fresh sweep, in every step."""

    async def _own_evidence(self, chain: Chain, current: _Current) -> float:
        return (await self._sweep(chain, current.parameters, None)).log_evidence


class ParametersAsIfSymmetric(ParticleMarginal):
    """The density of the proposal of the parameters is left out of the ratio."""

    async def _propose(self, chain: Chain, current: _Current) -> Proposal | None:
        proposal = await super()._propose(chain, current)
        return None if proposal is None else replace(proposal, log_ratio=0.0)
