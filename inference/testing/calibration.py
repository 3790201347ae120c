"""Oracles for whole methods on models whose posterior nobody knows: simulation-based calibration, and TARP.

Draw (x*, y) ~ p(x, y), run the method on y, and draw x_1, ..., x_L from what it returns. If it samples p(x | y), x* is
one more of the same, so for every function f

    SBC:   #{l : f(x_l, y) < f(x*, y)}                        is uniform on 0..L
    TARP:  #{l : d(x_l, r) < d(x*, r)}                        is uniform on 0..L, for a reference point r

with ties broken at random. SBC asks one statistic at a time, and log p(y | x), without which a sampler that ignores
the data can pass; TARP asks them jointly, with d the distance of their standardised values and r the one of a few draws
from the prior under which the data are likeliest (a reference that does not depend on the data cannot see that a
sampler ignores them). Sources: Talts et al. 2018, "Validating Bayesian inference algorithms with simulation-based
calibration"; Modrák et al. 2023, "Simulation-based calibration checking for Bayesian computation: the choice of test
quantities shapes sensitivity"; Lemos et al. 2023, "Sampling-based accuracy testing of posterior estimators for general
inference".
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from steersman.ppl.keys import Key
from steersman.ppl.protocols import Floats
from steersman.ppl.trace import Trace

from ..chain.target import log_likelihood
from ..posterior import Posterior
from ..run import Run
from ..run.algorithm import Algorithm
from ..run.schedule import execute, run_together
from .chi_square import fit
from .joint import ALWAYS, JointModel, draw_joint, given, observed, table
from .models import Statistic
from .report import Check, Report

_CANDIDATES = 4


def check_calibration(
    method: Algorithm[Any], model: JointModel, statistics: Mapping[str, Statistic], *, runs: int = 400,
    draws: int = 9, seed: int = 0,
) -> Report:
    """Chi-square of the ranks of every statistic (SBC) and of the distances to a random reference (TARP).

    model: as for `check_joint`. statistics: functions of the pair (latent, data) that the model returns. draws: L, from
    a Markov chain method taken evenly over all that it kept, so its kept draws must be nearly independent. A correct
    method fails with probability below 1e-4.
    """
    key = Key(seed)
    truths = [p.partial_trace() for p in observed(model, draw_joint(model, runs, key.fold(0)), key.fold(1))]
    posteriors = run_together([execute(Run(model(t.value[1]), key.fold(2, r)), method) for r, t in enumerate(truths)])
    own = table(truths, statistics)
    others = np.array([table(drawn(p, draws, key.fold(3, r)), statistics) for r, p in enumerate(posteriors)])
    checks = [
        _uniform("sbc", name, _ranks(others[:, :, j], own[:, j], key.fold(4, j)), draws)
        for j, name in enumerate([*statistics, *ALWAYS])
    ]
    points = table(_references(model, truths, key.fold(5)), statistics)
    scale = np.maximum(own.std(0), 1e-12)
    scale[-len(ALWAYS) :] = np.inf  # the distance is one of the user's statistics
    far = np.linalg.norm((own - points) / scale, axis=-1)
    others_far = np.linalg.norm((others - points[:, None]) / scale, axis=-1)
    checks.append(_uniform("tarp", "coverage", _ranks(others_far, far, key.fold(6)), draws))
    return Report(method.name, str(model().name), runs, tuple(checks))


def _references(model: JointModel, truths: Sequence[Trace], key: Key) -> list[Trace]:
    """For the data of each run the likeliest of a few draws from the prior; where all are impossible, one with its own
    data."""
    runs, data = len(truths), [t.value[1] for t in truths]
    best = draw_joint(model, runs, key.fold(0))
    likelihood = np.full(runs, -np.inf)
    for j in range(_CANDIDATES):
        latent = [t.choices() for t in draw_joint(model, runs, key.fold(1, j))]
        for r, p in enumerate(given(model, data, latent, key.fold(2, j))):
            if p.trace is not None and (log_p := log_likelihood(p.trace)) > likelihood[r]:
                best[r], likelihood[r] = p.trace, log_p
    return best


def drawn(posterior: Posterior, draws: int, key: Key) -> list[Trace]:
    """Traces that represent a posterior: drawn by weight, or evenly from the states of Markov chains."""
    weighted = posterior.weighted_traces()
    if posterior.chains is not None:
        if len(weighted) < draws:
            raise ValueError(f"{posterior.method} keeps {len(weighted)} states, fewer than draws={draws}")
        return [weighted[(2 * i + 1) * len(weighted) // (2 * draws)][1] for i in range(draws)]
    ends = list(accumulate(w for w, _ in weighted))
    return [weighted[bisect_right(ends, u * ends[-1])][1] for u in key.uniforms(draws).tolist()]


def _ranks(others: Floats, own: Floats, key: Key) -> Sequence[int]:
    """Rank of own [R] among others [R, L], ties (to rounding) at random."""
    gap = others - own[:, None]
    tie = np.abs(gap) <= 1e-9 * (1.0 + np.abs(own[:, None]))
    below, ties = ((gap < 0) & ~tie).sum(1), tie.sum(1)
    ranks: list[int] = (below + np.floor(key.uniforms(len(own)) * (ties + 1)).astype(np.int64)).tolist()
    return ranks


def _uniform(oracle: str, what: str, ranks: Sequence[int], draws: int) -> Check:
    return fit(oracle, what, Counter(ranks), dict.fromkeys(range(draws + 1), 1.0 / (draws + 1)))
