"""`WeightDiagnosis`: the table that `posterior.diagnose()` returns for independent weighted draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from steersman.ppl.protocols import Floats

from .pareto import advice, k_limit, pareto_k
from .statistics_table import MEAN_MCSE_SD, StatisticsTable, some


@dataclass(frozen=True)
class WeightedStatistic:
    """One number f of each draw, under normalised weights W.  mean: m = sum_i W_i f_i.  mcse: its standard error,
    sqrt(sum_i W_i^2 (f_i - m)^2), the delta method.  sd: under the weights.  pareto_k: of W_i |f_i - m|, which tells
    whether the error can be trusted (see `pareto_k`)."""

    mean: float
    mcse: float
    sd: float
    pareto_k: float

    @classmethod
    def of(cls, W: Floats, f: Floats) -> WeightedStatistic:
        """W [n] > 0, normalised; f [n]."""
        mean = float(W @ f)
        away = W * np.abs(f - mean)
        with np.errstate(divide="ignore"):
            k = pareto_k(np.log(away))
        return cls(mean, float(np.sqrt(away @ away)), float(np.sqrt(away @ np.abs(f - mean))), k)


@dataclass(frozen=True, repr=False)
class WeightDiagnosis(StatisticsTable[WeightedStatistic]):
    """Name -> `WeightedStatistic`; it prints as a table, with what speaks against trusting the weights. draws: S, of
    which those of weight zero count too. ess: 1 / sum W^2. pareto_k: of the weights."""

    columns = (*MEAN_MCSE_SD, ("Pareto k", "pareto_k", ".2f"))
    method: str
    draws: int
    ess: float
    pareto_k: float
    statistics: dict[str, WeightedStatistic]

    @property
    def head(self) -> str:
        return f"{self.method}: {self.draws:,} weighted draws, ESS {self.ess:.1f}, Pareto k {self.pareto_k:.2f}"

    @property
    def doubts(self) -> list[str]:
        limit = k_limit(self.draws)
        if self.pareto_k > limit:
            return [f"heavy tail: Pareto k {self.pareto_k:.2f} of the weights is above {limit:.2f}, the limit for "
                    f"{self.draws:,} draws, so log Z and errors are not to be trusted. {advice(self.pareto_k)}"]
        heavy = {n: s.pareto_k for n, s in self.items() if s.pareto_k > limit}
        if heavy:
            return [f"heavy tail: Pareto k above {limit:.2f}, the limit for {self.draws:,} draws, so the mean is not "
                    f"to be trusted: {some(list(heavy))}. {advice(max(heavy.values()))}"]
        return []


def weight_diagnosis(
    method: str, weights: Floats, columns: Mapping[str, Sequence[float]], ess: float, k: float
) -> WeightDiagnosis:
    """weights [S]: normalised; columns: by name, the numbers of the draws of positive weight, in their order."""
    W = weights[weights > 0]
    statistics = {name: WeightedStatistic.of(W, np.array(f, np.float64)) for name, f in columns.items()}
    return WeightDiagnosis(method, len(weights), ess, k, statistics)
