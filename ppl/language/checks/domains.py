"""Domains: which numbers a parameter or a value of a distribution may be. A test compares them with NumPyro's."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Domain:
    """words: what a member has to be, as in "has to be positive". example: a member, as it is written."""

    words: str
    contains: Callable[[Any], bool]
    example: str


def _number(x: Any) -> bool:
    return isinstance(x, (int, float))


def _numbers(test: Callable[[float], bool]) -> Callable[[Any], bool]:
    """Of a number, or of every number in nested lists; other values are not judged."""

    def contains(x: Any) -> bool:
        return all(map(contains, x)) if isinstance(x, list) else not _number(x) or test(x)

    return contains


def _vector(test: Callable[[list[float]], bool]) -> Callable[[Any], bool]:
    """Of a list of numbers, or of every innermost list."""

    def contains(x: Any) -> bool:
        if not isinstance(x, list) or not x:
            return True
        if all(map(_number, x)):
            return test(x)
        return all(map(contains, x))

    return contains


def integers(low: float, high: float, words: str) -> Domain:
    example = f"{min(max(low, 0), high):.0f}"
    return Domain(words, _numbers(lambda x: math.isfinite(x) and x == int(x) and low <= x <= high), example)


REAL = Domain("a finite number", _numbers(math.isfinite), "0.0")
POSITIVE = Domain("positive", _numbers(lambda x: 0 < x < math.inf), "1.0")
NOT_NEGATIVE = Domain("0 or more", _numbers(lambda x: 0 <= x < math.inf), "1.0")
PROBABILITY = Domain("from 0 to 1", _numbers(lambda x: 0 <= x <= 1), "0.5")
INSIDE_UNIT = Domain("between 0 and 1", _numbers(lambda x: 0 < x < 1), "0.5")
COUNT = integers(0, math.inf, "a whole number, 0 or more")
BIT = integers(0, 1, "0 or 1")
ANGLE = Domain("an angle from -pi to pi", _numbers(lambda x: -math.pi <= x <= math.pi), "0.0")
SIMPLEX = Domain(
    "probabilities, none negative, whose sum is 1",
    _vector(lambda xs: all(x >= 0 for x in xs) and abs(math.fsum(xs) - 1) < 1e-3), "[0.5, 0.5]",
)

PARAMETERS: dict[str, dict[str, Domain]] = {
    "AsymmetricLaplace": {"loc": REAL, "scale": POSITIVE, "asymmetry": POSITIVE},
    "Bernoulli": {"probs": PROBABILITY}, "BernoulliProbs": {"probs": PROBABILITY}, "BernoulliLogits": {"logits": REAL},
    "Beta": {"concentration1": POSITIVE, "concentration0": POSITIVE},
    "BetaBinomial": {"concentration1": POSITIVE, "concentration0": POSITIVE, "total_count": COUNT},
    "BetaProportion": {"mean": INSIDE_UNIT, "concentration": POSITIVE},
    "Binomial": {"probs": PROBABILITY, "total_count": COUNT},
    "BinomialProbs": {"probs": PROBABILITY, "total_count": COUNT},
    "Categorical": {"probs": SIMPLEX}, "CategoricalProbs": {"probs": SIMPLEX},
    "Cauchy": {"loc": REAL, "scale": POSITIVE}, "Chi2": {"df": POSITIVE},
    "Dirichlet": {"concentration": POSITIVE}, "Exponential": {"rate": POSITIVE},
    "Gamma": {"concentration": POSITIVE, "rate": POSITIVE},
    "GammaPoisson": {"concentration": POSITIVE, "rate": POSITIVE},
    "Geometric": {"probs": PROBABILITY}, "GeometricProbs": {"probs": PROBABILITY},
    "Gompertz": {"concentration": POSITIVE, "rate": POSITIVE}, "Gumbel": {"loc": REAL, "scale": POSITIVE},
    "HalfCauchy": {"scale": POSITIVE}, "HalfNormal": {"scale": POSITIVE},
    "InverseGamma": {"concentration": POSITIVE, "rate": POSITIVE},
    "Kumaraswamy": {"concentration1": POSITIVE, "concentration0": POSITIVE},
    "Laplace": {"loc": REAL, "scale": POSITIVE}, "LogNormal": {"loc": REAL, "scale": POSITIVE},
    "LogUniform": {"low": POSITIVE, "high": POSITIVE}, "Logistic": {"loc": REAL, "scale": POSITIVE},
    "NegativeBinomial2": {"mean": NOT_NEGATIVE, "concentration": POSITIVE},
    "NegativeBinomialProbs": {"total_count": POSITIVE, "probs": PROBABILITY},
    "Normal": {"loc": REAL, "scale": POSITIVE}, "Pareto": {"scale": POSITIVE, "alpha": POSITIVE},
    "Poisson": {"rate": NOT_NEGATIVE}, "SoftLaplace": {"loc": REAL, "scale": POSITIVE},
    "StudentT": {"df": POSITIVE, "loc": REAL, "scale": POSITIVE}, "VonMises": {"loc": REAL, "concentration": POSITIVE},
    "Weibull": {"scale": POSITIVE, "concentration": POSITIVE},
    "ZeroInflatedPoisson": {"gate": PROBABILITY, "rate": POSITIVE},
}

# (low, high): they have to be in this order; of the last, they may be equal.
BOUNDED = ("Uniform", "LogUniform", "DiscreteUniform")

SUPPORTS: dict[str, Domain] = {
    **dict.fromkeys(("Bernoulli", "BernoulliProbs", "BernoulliLogits"), BIT),
    **dict.fromkeys(
        ("AsymmetricLaplace", "Cauchy", "Gumbel", "Laplace", "Logistic", "Normal", "SoftLaplace", "StudentT"), REAL
    ),
    **dict.fromkeys(
        ("Chi2", "Exponential", "Gamma", "Gompertz", "HalfCauchy", "HalfNormal", "InverseGamma", "LogNormal",
         "Weibull"),
        POSITIVE,
    ),
    **dict.fromkeys(("Beta", "BetaProportion", "Kumaraswamy"), PROBABILITY),
    **dict.fromkeys(
        ("BetaBinomial", "Binomial", "BinomialProbs", "Categorical", "CategoricalProbs", "CategoricalLogits",
         "GammaPoisson", "Geometric", "GeometricProbs", "GeometricLogits", "NegativeBinomial2",
         "NegativeBinomialProbs", "Poisson", "ZeroInflatedPoisson"),
        COUNT,
    ),
    "DiscreteUniform": integers(-math.inf, math.inf, "a whole number"),
    "Dirichlet": SIMPLEX, "VonMises": ANGLE,
}
CONTINUOUS = frozenset(
    n for n, d in SUPPORTS.items() if d in (REAL, POSITIVE, PROBABILITY, ANGLE)
) | {"Uniform", "LogUniform", "Pareto"}


def support(name: str, parameters: dict[str, Any]) -> Domain | None:
    """The domain of the values of a distribution whose constant parameters are these, or None in doubt."""
    low, high = parameters.get("low"), parameters.get("high")
    if name in BOUNDED and isinstance(low, (int, float)) and isinstance(high, (int, float)):
        if name == "DiscreteUniform":
            return integers(low, high, f"a whole number from {low} to {high}")
        return Domain(f"from {low} to {high}", _numbers(lambda x: low <= x <= high), f"{low}")
    vector = parameters.get("logits", parameters.get("probs"))
    if name.startswith("Categorical") and isinstance(vector, list) and vector and all(map(_number, vector)):
        return integers(0, len(vector) - 1, f"a whole number from 0 to {len(vector) - 1}")
    total = parameters.get("total_count")
    if name in ("Binomial", "BinomialProbs", "BetaBinomial") and type(total) is int:
        return integers(0, total, f"a whole number from 0 to {total}")
    if name == "Pareto" and _number(parameters.get("scale")):
        scale = parameters["scale"]
        return Domain(f"above {scale}", _numbers(lambda x: scale < x < math.inf), f"{2 * scale}")
    return SUPPORTS.get(name)
