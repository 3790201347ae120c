"""Bugs of populations: how SMC treats finished particles, incoming weights, evidence and keys."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...posterior import Posterior
from ...resampling.weights import log_sum_exp
from ...run import Run
from ...smc import SMC, SMCState
from .planting import last_potential, last_twist, recast

Info = tuple[SMCState, dict[str, Any]]


class FinishedReweighted(SMC):
    """A finished particle is weighted by its last potential again at every later stop."""

    async def step(self, run: Run, state: SMCState) -> Info:
        for p in state.particles:
            p.log_weight += last_potential(p.trace)
        return await super().step(run, state)


class FinishedDropped(SMC):
    """Only unfinished particles may have children."""

    def _resample(self, run: Run, state: SMCState, log_w: np.ndarray[Any, Any], total: float) -> None:
        live = np.where([p.pending is not None for p in state.particles], log_w, -np.inf)
        super()._resample(run, state, live if log_sum_exp(live) > -math.inf else log_w, total)


class ForgottenEvidence(SMC):
    """The sum of weights that resampling normalises away is not kept."""

    def _resample(self, run: Run, state: SMCState, log_w: np.ndarray[Any, Any], total: float) -> None:
        kept = state.log_z
        super()._resample(run, state, log_w, total)
        state.log_z = kept


class OverwrittenEvidence(SMC):
    """log Z is the last running total, not the sum of all of them."""

    def _resample(self, run: Run, state: SMCState, log_w: np.ndarray[Any, Any], total: float) -> None:
        kept = state.log_z
        super()._resample(run, state, log_w, total)
        state.log_z = total if state.log_z != kept else kept


class IncomingDiscarded(SMC):
    """Weights are set to 1/N after every stop, also where the ESS says not to resample."""

    def _resample(self, run: Run, state: SMCState, log_w: np.ndarray[Any, Any], total: float) -> None:
        super()._resample(run, state, log_w, total)
        if state.ancestry is not None and not state.ancestry.resampled:
            state.log_z += total
            for p in state.particles:
                p.log_weight = -math.inf if p.dead else -math.log(self.particles)


class WeightsNotReset(SMC):
    """Children keep the weight of their parent after equal-weight resampling."""

    def _resample(self, run: Run, state: SMCState, log_w: np.ndarray[Any, Any], total: float) -> None:
        super()._resample(run, state, log_w, total)
        if state.ancestry is not None and state.ancestry.resampled:
            for p, parent in zip(state.particles, state.ancestry.index, strict=True):
                p.log_weight = float(log_w[parent]) - total


class TwistKept(SMC):
    """The last twist is not divided out at the end."""

    def result(self, run: Run, state: SMCState) -> Posterior:
        for p in state.particles:
            p.log_weight += last_twist(p.trace)
        return super().result(run, state)


class LastPotentialTwice(SMC):
    """The final draw multiplies the weights by the last potential, which they hold already."""

    def result(self, run: Run, state: SMCState) -> Posterior:
        posterior = super().result(run, state)
        twice = posterior.log_weights + np.array([last_potential(t) for t in posterior.traces])
        return recast(posterior, Posterior, log_weights=twice - log_sum_exp(twice) + posterior.log_evidence)


class RoundsShareKeys(SMC):
    """Every stretch between two stops draws with the keys of the first."""

    async def step(self, run: Run, state: SMCState) -> Info:
        run.rewind()
        return await super().step(run, state)


class SlotsShareKeys(SMC):
    """All particles draw with the key of slot 0."""

    async def step(self, run: Run, state: SMCState) -> Info:
        for p in state.particles:
            p.slot = 0
        return await super().step(run, state)
