"""`Diagnosis`: the table that `posterior.diagnose()` returns."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..chain.chains import OPTIMISATION, Chains
from .statistics_table import MEAN_MCSE_SD, StatisticsTable, some

MIN_DRAWS = 4
RHAT_LIMIT = 1.01
ESS_LIMIT = 400
"""What Vehtari et al. 2021 ask for (section 4) before means and quantiles are reported."""


@dataclass(frozen=True)
class Statistic:
    """One number of each draw. mcse: standard error of its mean. sd: over all draws. See `diagnostics` for the rest."""

    mean: float
    mcse: float
    sd: float
    rhat: float
    ess_bulk: float
    ess_tail: float


@dataclass(frozen=True, repr=False)
class Diagnosis(StatisticsTable[Statistic]):
    """Name -> `Statistic`; it prints as a table, with the acceptance of every move (and by where it cut the execution,
    in tenths) and with what speaks against trusting the chains."""

    columns = (
        *MEAN_MCSE_SD, ("R-hat", "rhat", ".3f"), ("bulk ESS", "ess_bulk", ".0f"), ("tail ESS", "ess_tail", ".0f"),
    )
    method: str
    chains: Chains
    statistics: dict[str, Statistic]

    @property
    def head(self) -> str:
        return f"{self.method}: {self.chains}"

    @property
    def doubts(self) -> list[str]:
        chains, found = self.chains, list[str]()
        if chains.optimises:
            return [OPTIMISATION]
        if chains.chains < 2:
            found.append("one chain: R-hat compares two or more")
        if chains.draws < MIN_DRAWS:
            return [*found, f"{chains.draws} draws a chain: R-hat and ESS need at least {MIN_DRAWS}"]
        apart = [n for n, s in self.items() if s.rhat > RHAT_LIMIT]
        few = [n for n, s in self.items() if min(s.ess_bulk, s.ess_tail) < ESS_LIMIT]
        still = [n for n, s in self.items() if math.isnan(s.ess_bulk)]
        if apart:
            found.append(f"R-hat above {RHAT_LIMIT}, the chains do not agree yet: {some(apart)}")
        if few:
            found.append(f"ESS below {ESS_LIMIT}: {some(few)}")
        if still:
            found.append(f"the same in all draws (or not finite), which tells nothing: {some(still)}")
        return found

    def more(self) -> list[object]:
        return [self._moves()] if self.chains.tally.tried else []

    def _moves(self) -> object:
        from rich.table import Table

        table = Table(box=None, pad_edge=False, header_style="")
        table.add_column("move", overflow="fold")
        table.add_column("tries", justify="right")
        table.add_column("accepted", justify="right")
        at = self.chains.acceptance_at()
        if at:
            table.add_column("accepted by tenth of the execution in which it cut", no_wrap=True)
        for name, rate in self.chains.acceptance().items():
            tenths = " ".join("  - " if math.isnan(a) else f"{a:.2f}" for a in at.get(name, ()))
            table.add_row(name, f"{self.chains.tally.tried[name]:,}", f"{rate:.2f}", *[tenths] * bool(at))
        return table
