"""Oracle: the error bar of one run tells the spread over runs.

    E[ Zhat^2 V ] = Var(Zhat),    V = log_evidence_error^2 of the same run

holds exactly for importance sampling (the sample variance of the weights over N), and nearly for SMC. Seen: particles
that share their randomness (the same key for all slots), which leaves every expectation right and makes N particles
worth one; an error bar that is computed from the wrong weights. Units: Z^2. Source: Lee & Whiteley 2018, "Variance
estimation in the particle filter", theorem 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..posterior import Posterior
from .evidence import relative_evidence
from .models import OracleModel
from .report import Check, z_score


def calibrated(posteriors: Sequence[Posterior | None], model: OracleModel) -> list[Check]:
    """One-sided: z > 0 where the spread of Zhat over runs exceeds what the runs say. Runs that cannot tell their error
    (infinite or nan) are counted with the variance N that no population of N can exceed by much: V = 1."""
    scale = relative_evidence(posteriors, model)
    errors = np.array([1.0 if p is None or not math.isfinite(p.log_evidence_error) else p.log_evidence_error
                       for p in posteriors])
    claimed = (scale * errors) ** 2
    empirical = (scale - 1.0) ** 2
    z = max(0.0, z_score(empirical - claimed, 0.0))
    return [Check("spread", "variance of Zhat", float(empirical.mean()), float(claimed.mean()), z)]
