"""What an oracle reports: z scores, and whether they are too large to be chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

FALSE_ALARM = 1e-4
"""The probability with which a correct method may fail one whole report."""


@dataclass(frozen=True)
class Check:
    """One comparison. oracle: which law; what: which statistic; z: how many standard errors `observed` lies from
    `expected` (infinite where a law without chance is broken)."""

    oracle: str
    what: str
    observed: float
    expected: float
    z: float


@dataclass(frozen=True)
class Report:
    """The checks of one method on one model."""

    method: str
    model: str
    runs: int
    checks: tuple[Check, ...]

    @property
    def limit(self) -> float:
        """The largest |z| that may be chance: two-sided normal quantile, FALSE_ALARM shared by all checks."""
        return NormalDist().inv_cdf(1.0 - FALSE_ALARM / (2 * max(1, len(self.checks))))

    @property
    def worst(self) -> Check:
        return max(self.checks, key=lambda c: abs(c.z))

    @property
    def failures(self) -> list[Check]:
        """The checks that failed, the worst first."""
        return sorted((c for c in self.checks if not abs(c.z) <= self.limit), key=lambda c: -abs(c.z))

    @property
    def passed(self) -> bool:
        return not self.failures

    def z(self, oracle: str) -> float:
        """The largest |z| of one oracle, 0 if it was not asked."""
        return max((abs(c.z) for c in self.checks if c.oracle == oracle), default=0.0)

    def __str__(self) -> str:
        verdict = "passed" if self.passed else f"FAILED {len(self.failures)} of {len(self.checks)} checks"
        lines = [f"{self.method} on {self.model}, {self.runs} runs: {verdict} (limit |z| = {self.limit:.2f})"]
        lines += [
            f"  {c.oracle:<12} {c.what:<24} observed {c.observed:<12.6g} expected {c.expected:<12.6g} z = {c.z:+.2f}"
            for c in (self.failures or [self.worst])
        ]
        return "\n".join(lines)


def z_score(samples: ArrayLike, expected: float, largest: float | None = None) -> float:
    """(mean - expected) / standard error of independent samples [R].

    Samples without spread leave nothing to chance: 0 when they agree with `expected` to 1e-9 (relative), else inf.
    largest: the most that one sample can be. It is for events so rare that no sample shows them: if each has a chance
    of at least expected / largest, none does with probability below exp(-R expected / largest), the tail of a normal
    at z with z^2 / 2 = R expected / largest.
    """
    x = np.asarray(samples, np.float64)
    off = float(x.mean()) - expected
    error = float(x.std(ddof=1)) / math.sqrt(len(x)) if len(x) > 1 else 0.0
    if abs(off) <= 1e-9 * max(1.0, abs(expected)):
        return 0.0
    if largest is not None and not x.any():
        return -math.copysign(math.sqrt(2.0 * len(x) * abs(expected) / largest), expected)
    return off / error if error > 1e-12 * abs(off) else math.copysign(math.inf, off)


def law(oracle: str, what: str, broken: float) -> Check:
    """A law that allows no exception: `broken` counts (or measures) the violations."""
    return Check(oracle, what, float(broken), 0.0, 0.0 if broken == 0 else math.inf)
