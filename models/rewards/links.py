"""Links: what a number of a reward means as a factor of the target. Each maps r to a log-weight, in nats.

    prob        log r               r is a probability: the factor is r
    odds        log r / (1 - r)     the factor is the odds of r
    exp(beta)   beta r              a score r: the factor is exp(beta r)
    tilt(beta)  r / beta            the same with beta as the price of a nat of KL: the policy that maximises
                                    E[r] - beta KL is p exp(r / beta) / Z (Korbak et al. 2022, "RL with KL penalties
                                    is better viewed as Bayesian inference")
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

Link = Callable[[float], float]
Named = Literal["prob", "odds"]


def prob(r: float) -> float:
    """log r. Raises ValueError unless 0 <= r <= 1."""
    _check(r, "prob")
    return math.log(r) if r > 0 else -math.inf


def odds(r: float) -> float:
    """log r / (1 - r). Raises ValueError unless 0 <= r < 1: certainty has no odds."""
    _check(r, "odds")
    if r == 1:
        raise ValueError("link 'odds': a reward of 1 has infinite odds; calibrate it, or clip it below 1")
    return math.log(r) - math.log1p(-r) if r > 0 else -math.inf


def exp(beta: float) -> Link:
    """r -> beta r, for a positive number beta."""
    if not 0 < beta < math.inf:
        raise ValueError(f"exp({beta}): beta is a positive number; negate the reward for less of it")
    return lambda r: beta * r


def tilt(beta: float) -> Link:
    """r -> r / beta, for a positive number beta."""
    if not 0 < beta < math.inf:
        raise ValueError(f"tilt({beta}): beta is a positive number; negate the reward for less of it")
    return lambda r: r / beta


def link_of(link: Named | Link) -> Link:
    if callable(link):
        return link
    if link not in ("prob", "odds"):
        raise ValueError(f"link={link!r}: it is 'prob', 'odds', exp(beta) or a function of the reward")
    return prob if link == "prob" else odds


def _check(r: float, name: str) -> None:
    if not 0 <= r <= 1:
        raise ValueError(f"link {name!r} takes a probability, got a reward of {r}; calibrate it, or use link=exp(beta)")
