"""What the tests of annealing and tempering share: exact tempered targets, and whether draws come from them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from steersman.inference import Posterior
from steersman.inference.chain.target import Target
from steersman.inference.mcmc import MCMC, MCMCState
from steersman.inference.resampling.weights import log_sum_exp
from steersman.inference.run import Run
from steersman.inference.run.schedule import run_together
from steersman.inference.testing.chi_square import fit
from steersman.ppl.effects import Invocation
from steersman.ppl.particle import Particle


def reweighted(exact: Posterior, target: Target) -> Posterior:
    """An enumerated posterior with every trace weighted by another target."""
    log_w = np.array([target.log_density(Particle.of_trace(t)) if t is not None else -math.inf for t in exact.traces])
    return replace(exact, log_weights=log_w, log_evidence=log_sum_exp(log_w))


def final_states(program: Invocation[Any], method: MCMC, seed: int = 0) -> MCMCState:
    """Run a method to its end and look at its chains instead of its posterior."""

    async def drive(run: Run) -> MCMCState:
        state = method.init(run)
        while not method.done(state):
            state, _ = await method.step(run, state)
        return state

    return run_together([drive(Run(program, seed))])[0]


def misfit(values: Sequence[Hashable], exact: Posterior) -> float:
    """z of Pearson's chi-square of independent draws against exact probabilities: 0 or a standard normal score."""
    return fit("draws", "of the target", Counter(values), exact.probabilities()).z
