"""Laws of one number, evaluated in Python floats: for small groups this is faster than any array call.

Each law gives, for parameters theta: ``draw(u, *theta)``, the inverse CDF at u in (0, 1); ``log_prob(x, *theta)`` in
nats, -inf outside the support and NaN for parameters outside their domain; and ``support(*theta)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

NAN, NEVER = math.nan, -math.inf
_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
_BELOW_ONE = 1.0 - 2.0**-53
LAWS: dict[str, type[Law]] = {}


class Law:
    """parameters: names and defaults, None where there is no default."""

    parameters: ClassVar[dict[str, float | None]]
    draw: Callable[..., Any]
    log_prob: Callable[..., float]

    def __init_subclass__(cls) -> None:
        LAWS[cls.__name__] = cls

    @staticmethod
    def support(*theta: Any) -> tuple[Any, ...] | None:
        return None


class Normal(Law):
    parameters: ClassVar = {"loc": 0.0, "scale": 1.0}

    @staticmethod
    def draw(u: float, loc: float, scale: float) -> float:
        return loc + scale * _standard_normal_quantile()(min(u, _BELOW_ONE))

    @staticmethod
    def log_prob(x: float, loc: float, scale: float) -> float:
        if not scale > 0.0:
            return NAN
        if not math.isfinite(x):
            return NEVER
        z = (x - loc) / scale
        return -0.5 * z * z - math.log(scale) - _HALF_LOG_2PI


@cache
def _standard_normal_quantile() -> Callable[[float], float]:
    from statistics import NormalDist

    return NormalDist().inv_cdf


class Uniform(Law):
    parameters: ClassVar = {"low": 0.0, "high": 1.0}

    @staticmethod
    def draw(u: float, low: float, high: float) -> float:
        return low + (high - low) * u

    @staticmethod
    def log_prob(x: float, low: float, high: float) -> float:
        if not low < high:
            return NAN
        return -math.log(high - low) if low <= x <= high else NEVER


class DiscreteUniform(Law):
    parameters: ClassVar = {"low": 0, "high": 1}

    @staticmethod
    def draw(u: float, low: int, high: int) -> int:
        return int(low) + min(int(u * (high - low + 1)), int(high - low))

    @staticmethod
    def log_prob(x: float, low: int, high: int) -> float:
        if not low <= high:
            return NAN
        return -math.log(high - low + 1) if low <= x <= high and x == int(x) else NEVER

    @staticmethod
    def support(*theta: Any) -> tuple[Any, ...]:
        return tuple(range(int(theta[0]), int(theta[1]) + 1))


class BernoulliProbs(Law):
    """P(1) = probs. Unlike NumPyro's, probabilities 0 and 1 are exact: the other value scores -inf."""

    parameters: ClassVar = {"probs": None}

    @staticmethod
    def draw(u: float, probs: float) -> int:
        return int(u < probs)

    @staticmethod
    def log_prob(x: float, probs: float) -> float:
        if not 0.0 <= probs <= 1.0:
            return NAN
        if x == 1:
            return math.log(probs) if probs > 0.0 else NEVER
        if x == 0:
            return math.log1p(-probs) if probs < 1.0 else NEVER
        return NEVER

    @staticmethod
    def support(*theta: Any) -> tuple[Any, ...]:
        return 0, 1


class BernoulliLogits(Law):
    """P(1) = 1 / (1 + exp(-logits))."""

    parameters: ClassVar = {"logits": None}

    @staticmethod
    def draw(u: float, logits: float) -> int:
        return int(math.log(u) - math.log1p(-min(u, _BELOW_ONE)) < logits)

    @staticmethod
    def log_prob(x: float, logits: float) -> float:
        if x != 0 and x != 1:
            return NEVER
        s = logits if x == 1 else -logits  # log sigmoid(s)
        return -math.log1p(math.exp(-s)) if s > 0.0 else s - math.log1p(math.exp(s))

    @staticmethod
    def support(*theta: Any) -> tuple[Any, ...]:
        return 0, 1


class Delta(Law):
    """All mass on v; log_density is added, as in NumPyro."""

    parameters: ClassVar = {"v": 0.0, "log_density": 0.0}

    @staticmethod
    def draw(u: float, v: float, log_density: float) -> float:
        return v

    @staticmethod
    def log_prob(x: float, v: float, log_density: float) -> float:
        return log_density if x == v else NEVER

    @staticmethod
    def support(*theta: Any) -> tuple[Any, ...]:
        return (theta[0],)
