"""Inverse temperatures between 0, the prior, and 1, the posterior."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from steersman.ppl.protocols import Floats

from ..resampling.weights import log_sum_exp

_LEAST = 1e-12
"""The smallest step, so that a schedule ends."""


def next_beta(beta: float, W: Floats, energy: Floats, ess: float) -> float:
    """The largest beta' <= 1 whose increments g_i = L(x_i)^(beta' - beta) have a conditional ESS of at least ess N:

        CESS / N = (sum_i W_i g_i)^2 / sum_i W_i g_i^2

    by bisection. W: normalised weights [N] at beta. energy: log L [N]. It is 1 at beta' = beta whatever W, so there is
    always a step to take (the plain ESS of a population that began with unequal weights might never leave 0).
    """
    alive = W > 0.0
    log_W, E = np.log(W[alive]), energy[alive]

    def enough(step: float) -> bool:
        log_g = step * E
        return 2.0 * log_sum_exp(log_W + log_g) - log_sum_exp(log_W + 2.0 * log_g) >= math.log(ess)

    low, high = 0.0, 1.0 - beta
    if enough(high):
        return 1.0
    while high - low > 1e-6 * high + _LEAST:
        middle = (low + high) / 2.0
        low, high = (middle, high) if enough(middle) else (low, middle)
    return min(1.0, beta + max(low, _LEAST))


def schedule(betas: Sequence[float]) -> list[float]:
    """A fixed schedule, checked: rising to 1 (every run starts at 0, which may be left out). Raises ValueError."""
    rising = [float(b) for b in betas]
    rising = rising[1:] if rising[:1] == [0.0] else rising
    if not rising or rising[-1] != 1.0 or not all(a < b for a, b in zip([0.0, *rising], rising, strict=False)):
        raise ValueError(f"betas={list(betas)}: a schedule rises from above 0 to exactly 1.0, such as [0.1, 0.4, 1.0]")
    return rising


def ladder(n: int, hottest: float = 0.1, *, prior: bool = False) -> tuple[float, ...]:
    """n inverse temperatures in geometric progression from `hottest` to 1; prior puts 0 before them, so that replicas
    forget their past at the end of the ladder and log Z can be estimated. Raises ValueError for fewer than two."""
    if n < 2 + prior or not 0.0 < hottest < 1.0:
        raise ValueError(f"ladder({n}, {hottest}): at least {2 + prior} temperatures, the hottest between 0 and 1")
    top = n - prior - 1
    rising = [hottest ** (1.0 - k / top) for k in range(top)]
    return (0.0, *rising, 1.0) if prior else (*rising, 1.0)
