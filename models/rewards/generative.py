"""`sampled_reward`: a judge that writes, and whose verdict is read from what it wrote.

A critique c ~ q(c | text) carries the weight w(c), so the reward of the text is the mean E_q[w]. With k critiques

    (1/k) sum_i w(c_i)

is an unbiased estimate, and a factor that is unbiased leaves the posterior of the text exact, whatever k (Andrieu &
Roberts 2009, "The pseudo-marginal approach"). The mean of the logs is not: its exponential falls short of E_q[w] by
Jensen's inequality. A meta reward m(c), how far a critique is to be trusted, multiplies the weights: the target is
E_q[m w] (DeepSeek-GRM, Liu et al. 2025, votes k scores and filters them so).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from steersman.ppl.batched import Batched
from steersman.ppl.effects import call, factor, sample
from steersman.ppl.protocols import Sequential

T = TypeVar("T")


async def sampled_reward(
    critique: Sequential[T], log_weight: Callable[[T], float], votes: int, *,
    meta: Callable[[T], float] | None = None, name: str = "critique",
) -> list[T]:
    """``critiques = await sampled_reward(judge.text(prompt, max_tokens=40), log_weight, votes=4)`` in a program.

    critique: the distribution of what the judge writes; `votes` of it are sampled, as sites called `name`. log_weight,
    meta: log w and log m of a critique, in nats, -inf for none (a critique that cannot be read, say); `Reward`s are
    asked through `call`. The factors are log mean m, and log of the mean of w weighed by m: their sum is log mean m w.
    """
    if votes < 1:
        raise ValueError(f"sampled_reward(votes={votes}): at least 1 critique")
    critiques = [await sample(critique, name) for _ in range(votes)]
    log_m = np.zeros(votes)
    if meta is not None:
        log_m = np.array([await _asked(meta, c) for c in critiques], np.float64)
        await factor(_log_sum(log_m) - math.log(votes), f"{name} meta")
    log_w = np.array([await _asked(log_weight, c) for c in critiques], np.float64)
    await factor(_log_sum(log_m + log_w) - _log_sum(log_m), f"{name} reward")
    return critiques


async def _asked(fn: Callable[[Any], float], critique: Any) -> float:
    return await call(fn, critique) if isinstance(fn, Batched) else fn(critique)


def _log_sum(x: Any) -> float:
    return float(np.logaddexp.reduce(x))
