"""Oracle: what must hold in every single posterior, whatever the chance.

    exactly N particles; only values of the target's support have weight, and no dead particle does;
    log Zhat = log sum_i exp(log_weights_i), which is 0 where Markov chains estimate no Z;
    the aggregated table is the sum of the weights, equal values added once
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..posterior.posterior import Posterior, _hashable
from ..resampling.weights import log_sum_exp
from ..run.algorithm import Algorithm
from .evidence import has_weight
from .models import OracleModel
from .report import Check, law


def well_formed(posteriors: Sequence[Posterior | None], model: OracleModel, method: Algorithm[Any]) -> list[Check]:
    held = [p for p in posteriors if p is not None]
    size = getattr(method, "particles", None)
    checks = [
        law("structure", "violators with weight", sum(_violators(p, model.support) for p in held)),
        law("structure", "table of probabilities", sum(not _table_agrees(p) for p in held)),
        law("structure", "sum of weights", sum(not _sums(p) for p in held)),
    ]
    if size is not None:
        checks.append(law("structure", "exactly N particles", sum(len(p) != _size(p, size) for p in held)))
    return checks


def _violators(p: Posterior, support: frozenset[Any]) -> int:
    weighty = [t for t, w in zip(p.traces, p.weights, strict=True) if w > 0]
    return sum(t is None or _hashable(t.value) not in support for t in weighty)


def _table_agrees(p: Posterior) -> bool:
    if not has_weight(p):
        return True
    summed: dict[Any, float] = {}
    for t, w in zip(p.traces, p.weights.tolist(), strict=True):
        if t is not None:
            summed[_hashable(t.value)] = summed.get(_hashable(t.value), 0.0) + w
    table = p.probabilities()
    return all(math.isclose(table.get(v, 0.0), w, rel_tol=1e-9, abs_tol=1e-300) for v, w in summed.items() if w > 0)


def _size(p: Posterior, particles: int) -> int:
    return particles if p.chains is None else p.chains.chains * p.chains.draws


def _sums(p: Posterior) -> bool:
    expected = 0.0 if p.chains is not None and math.isnan(p.log_evidence) else p.log_evidence
    return bool(np.isclose(log_sum_exp(p.log_weights), expected, rtol=0.0, atol=1e-9))
