"""Oracle: the unnormalised measure is unbiased.

A run gives an estimate Zhat and weighted values (W_i, v_i). It is properly weighted when, for every function f,

    E[ Zhat sum_i W_i f(v_i) ] = Z E[f]        and, with V one draw from the weighted values,   E[ Zhat f(V) ] = Z E[f]

f = 1 is E[Zhat] = Z. That alone misses bugs which leave the evidence right and the values wrong (a potential counted
twice at the end, a draw that ignores the weights), hence several f. Seen: every wrong weight, resampling or draw;
not seen: too much variance (see `spread`). Everything is in units of Z. Source: Naesseth, Lindsten & Schön 2015,
"Nested sequential Monte Carlo methods", definition 1 (proper weighting).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from steersman.ppl.errors import AllParticlesDead
from steersman.ppl.keys import Key
from steersman.ppl.protocols import Floats

from ..posterior import Posterior
from ..run import Run
from ..run.algorithm import Algorithm
from ..run.schedule import execute, run_together
from .models import OracleModel
from .report import Check, z_score

_TOGETHER = 100


async def _attempt(run: Run, method: Algorithm[Any]) -> Posterior | None:
    """The posterior, or None where every particle died: that run has Zhat = 0."""
    try:
        return await execute(run, method)
    except AllParticlesDead:
        return None


def run_many(method: Algorithm[Any], model: OracleModel, runs: int, *, seed: int = 0) -> list[Posterior | None]:
    """Independent runs with the seeds seed, seed + 1, ...; rounds are shared, which changes no result."""
    out: list[Posterior | None] = []
    for start in range(seed, seed + runs, _TOGETHER):
        seeds = range(start, min(start + _TOGETHER, seed + runs))
        out += run_together([_attempt(Run(model.program, s), method) for s in seeds])
    return out


def has_weight(p: Posterior) -> bool:
    """Whether any finished execution has weight. (In a broken method dead particles may have it all.)"""
    return any(t is not None and w > 0 for t, w in zip(p.traces, p.weights, strict=True))


def relative_evidence(posteriors: Sequence[Posterior | None], model: OracleModel) -> Floats:
    """Zhat / Z of every run, shape [R]; 0 for a run that died."""
    log_z = model.exact.log_evidence
    return np.array([0.0 if p is None else math.exp(p.log_evidence - log_z) for p in posteriors])


def unbiased(posteriors: Sequence[Posterior | None], model: OracleModel, *, seed: int = 0) -> list[Check]:
    """z of Zhat, of every statistic under the weights, and of every statistic of one draw."""
    scale = relative_evidence(posteriors, model)
    checks = [Check("evidence", "Z", float(scale.mean()), 1.0, z_score(scale, 1.0))]
    names = list(model.statistics)
    under_weights, of_draw = np.zeros((2, len(posteriors), len(names)))
    for r, p in enumerate(posteriors):
        if p is None or not has_weight(p):
            continue
        table = p.probabilities(model.statistics_of)
        under_weights[r] = scale[r] * np.sum([np.array(k) * m for k, m in table.items()], axis=0)
        of_draw[r] = scale[r] * np.array(model.statistics_of(p.sample(seed=Key(seed + r).fold(1, 2))))
    top = max(1.0, float(scale.max()))
    for j, name in enumerate(names):
        largest = top * max(abs(model.statistics[name](v)) for v in model.exact.values)
        expected = model.exact.expectation(model.statistics[name])
        for oracle, x in (("measure", under_weights[:, j]), ("draw", of_draw[:, j])):
            checks.append(Check(oracle, name, float(x.mean()), expected, z_score(x, expected, largest)))
    return checks


def mean_of_draws(posteriors: Sequence[Posterior | None], model: OracleModel) -> list[Check]:
    """For methods whose draws are exact given any Zhat (rejection) or that estimate no Z: E[f(V)] = E[f], z of each."""
    held = [p for p in posteriors if p is not None and has_weight(p)]
    if not held:
        raise ValueError("no run has produced a posterior")
    checks = []
    for name, f in model.statistics.items():
        x = [p.expectation(f) for p in held]
        expected = model.exact.expectation(f)
        checks.append(Check("expectation", name, float(np.mean(x)), expected, z_score(x, expected)))
    return checks
