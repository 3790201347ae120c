"""Bugs of resample-move SMC."""

from __future__ import annotations

from steersman.ppl.particle import Particle

from ...chain import Chain
from ...chain.paused import PausedChain
from ...chain.target import Joint
from ...population.rejuvenate import rejuvenate
from ...run import Run
from ...smc import SMC, SMCState


class WeightedAgain(SMC):
    """A move multiplies the weight by the ratio of the densities after and before it."""

    async def _rejuvenate(self, run: Run, state: SMCState) -> None:
        before = state.particles
        await super()._rejuvenate(run, state)
        for old, new in zip(before, state.particles, strict=True):
            if not new.done:
                new.log_weight += Joint().log_density(new) - Joint().log_density(old)


class OnlyAfterResampling(SMC):
    """Moves are made only where an adaptive scheme has resampled."""

    async def _rejuvenate(self, run: Run, state: SMCState) -> None:
        if state.ancestry is not None and state.ancestry.resampled:
            await super()._rejuvenate(run, state)


class _Planted(SMC):
    chain_type: type[PausedChain]

    async def _rejuvenate(self, run: Run, state: SMCState) -> None:
        assert self.rejuvenate is not None
        state.particles = await rejuvenate(
            run, state.particles, self.rejuvenate, self.rejuvenation_steps, self._barrier, len(state.genealogy),
            state.moves, self.chain_type,
        )


class _AcceptsFinished(PausedChain):
    def log_target(self, particle: Particle) -> float:
        return Chain.log_target(self, particle)


class FinishedByMoves(_Planted):
    """Moves may finish an execution, though none leads a finished one back."""

    chain_type = _AcceptsFinished


class _WithoutTwist(PausedChain):
    def log_target(self, particle: Particle) -> float:
        return super().log_target(particle) - (0.0 if particle.dead else particle.log_twist)


class TwistOutOfTarget(_Planted):
    """Moves leave the target without the twists invariant, which the population does not stand for."""

    chain_type = _WithoutTwist
