"""log Z from a ladder of temperatures."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from steersman.ppl.protocols import Floats

from ..chain.target import log_likelihood
from ..resampling.weights import log_mean_exp
from ..run import Run


@dataclass(frozen=True)
class Stones:
    """log_z: the estimate of log Z, in nats. error: its standard error, nan where it cannot be told."""

    log_z: float
    error: float


def stepping_stones(betas: Sequence[float], energies: Floats, log_w: Floats) -> Stones:
    """The product of the ratios of neighbouring normalisers:

        Z = Z_0 prod_k Z_{k+1} / Z_k,    Z_{k+1} / Z_k = E_k[ L(x)^(beta_{k+1} - beta_k) ],  x at beta_k

    betas: 0 = beta_0 < ... < beta_{K-1} = 1. energies [T, C, K]: log L of T steps of C independent ladders. log_w [n]:
    the weights of n executions of the program without the tempered factors, -inf for dead ones: Z_0 is their mean (1
    where nothing can die and nothing is proposed). The error is that of the mean over ladders, by the delta method, so
    it knows what the chains of a ladder have in common; nan for one ladder. nan for all if every execution died.
    Source: Xie, Lewis, Fan, Kuo & Chen 2011, "Improving marginal likelihood estimation for Bayesian phylogenetic model
    selection".
    """
    if np.max(log_w) == -math.inf:
        return Stones(math.nan, math.nan)
    C, n = energies.shape[1], len(log_w)
    log_r = [[log_mean_exp((b - a) * energies[:, c, k]) for c in range(C)]
             for k, (a, b) in enumerate(pairwise(betas))]
    means = [log_mean_exp(r) for r in log_r]
    log_z0 = log_mean_exp(log_w)
    relative = np.sum([np.exp(np.array(r) - m) - 1.0 for r, m in zip(log_r, means, strict=True)], axis=0)
    variance = float(relative.var(ddof=1)) / C if C > 1 else math.nan
    variance += float(np.exp(log_w - log_z0).var(ddof=1)) / n
    return Stones(log_z0 + math.fsum(means), math.sqrt(variance) if variance >= 0.0 else math.nan)


async def execution_weights(run: Run, n: int, names: Collection[Hashable] | None) -> Floats:
    """log weights [n] of executions of the program without the factors that are tempered; -inf for dead ones."""
    particles = run.spawn(range(n))
    await run.advance(particles, key=run.key.fold(0, 4))
    return np.array([
        -math.inf if p.trace is None else p.log_weight - log_likelihood(p.trace, names) for p in particles
    ])
