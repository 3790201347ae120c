"""Bugs of weights: what importance sampling multiplies, sums and counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steersman.models import TableLM
from steersman.models.language_model import Prefix
from steersman.ppl.constraints.masks import Packed
from steersman.ppl.protocols import Floats

from ...draws.waves import Draws
from ...importance import Importance
from ...posterior import Posterior
from ...run import Run
from .planting import proposal_ratio, weighted_sites


class AveragedWeights(Importance):
    """log-weights are averaged over the sites that gave them, as length-normalised scores are."""

    def result(self, run: Run, state: Draws) -> Posterior:
        for p in state.finished:
            if p.trace is not None:
                p.log_weight /= weighted_sites(p.trace)
        return super().result(run, state)


class ProposalForgotten(Importance):
    """The weight lacks log p - log q of the choices that a proposal drew."""

    def result(self, run: Run, state: Draws) -> Posterior:
        for p in state.finished:
            if p.trace is not None:
                p.log_weight -= proposal_ratio(p.trace)
        return super().result(run, state)


class ProposalInverted(Importance):
    """The weight gains log q - log p."""

    def result(self, run: Run, state: Draws) -> Posterior:
        for p in state.finished:
            if p.trace is not None:
                p.log_weight -= 2.0 * proposal_ratio(p.trace)
        return super().result(run, state)


class SurvivorsOnly(Importance):
    """Dead executions are left out of the population, so that Zhat is a mean over the survivors."""

    def result(self, run: Run, state: Draws) -> Posterior:
        state.finished = [p for p in state.finished if not p.dead] or state.finished
        return super().result(run, state)


class MassForgotten(TableLM):
    """A language model whose masked draws report the log-probability before renormalisation, so that the weight of a
    masked proposal lacks the allowed mass (greedy masking)."""

    def __init__(self, lm: TableLM) -> None:
        self.__dict__.update(lm.__dict__)

    def draw_next(
        self, prefixes: Sequence[Prefix], uniforms: Floats, temperatures: Floats | None, masks: Packed | None
    ) -> tuple[NDArray[np.integer[Any]], Floats]:
        tokens, log_q = super().draw_next(prefixes, uniforms, temperatures, masks)
        if masks is None:
            return tokens, log_q
        unmasked = self.next_log_probs(prefixes, temperatures, None)
        return tokens, unmasked[np.arange(len(tokens)), tokens]
