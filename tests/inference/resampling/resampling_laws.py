"""What every resampler must do, as numbers that a test can judge."""

from __future__ import annotations

import numpy as np

from steersman.inference.resampling import Ancestry, Resampler
from steersman.ppl.keys import Key
from steersman.ppl.protocols import Floats

LIMIT = 4.5  # standard errors


class Fixed(Key):
    """A key whose every uniform is u: integrating over u is exact where only one uniform matters at a time."""

    __slots__ = ("u",)

    def __init__(self, u: float) -> None:
        super().__init__(0)
        self.u = u

    def uniform(self) -> float:
        return self.u

    def uniforms(self, n: int) -> Floats:
        return np.full(n, self.u)


def received(ancestry: Ancestry, M: int) -> Floats:
    """sum_j weights_j 1{index_j = i} for every parent i; [M]."""
    totals: Floats = np.bincount(ancestry.index, weights=ancestry.weights, minlength=M).astype(np.float64)
    return totals


def exact_mean(resample: Resampler, W: Floats, n: int, cells: int) -> Floats:
    """The mean of `received` over the midpoints of `cells` equal cells of one uniform; [M]."""
    totals = np.stack([received(resample(W, n, Fixed((g + 0.5) / cells)), len(W)) for g in range(cells)])
    mean: Floats = totals.mean(0)
    return mean


def counts(resample: Resampler, W: Floats, n: int, runs: int, seed: int = 0) -> Floats:
    """Offspring of each parent in each run; [runs, M]."""
    key = Key(seed)
    offspring = (np.bincount(resample(W, n, key.fold(r)).index, minlength=len(W)) for r in range(runs))
    return np.stack(list(offspring)).astype(float)


def worst_z(resample: Resampler, W: Floats, n: int, runs: int, seed: int = 0) -> float:
    """The largest |mean received - W_i| over parents i, in standard errors (inf for a deterministic error)."""
    key = Key(seed)
    totals = np.stack([received(resample(W, n, key.fold(r)), len(W)) for r in range(runs)])
    error, scale = np.abs(totals.mean(0) - W), totals.std(0, ddof=1) / np.sqrt(runs)
    exact = scale < 1e-15
    if (error[exact] > 1e-9).any():
        return float("inf")
    return float((error[~exact] / scale[~exact]).max(initial=0.0))
