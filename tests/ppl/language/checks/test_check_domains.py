"""The domains of parameters and values are those of NumPyro."""

import math

import jax.numpy as jnp
import numpyro.distributions as numpyro_dist
import pytest
from numpyro.distributions import constraints

from steersman.ppl import dist
from steersman.ppl.dist.membership import contains, support_of
from steersman.ppl.language.checks.domains import BOUNDED, CONTINUOUS, PARAMETERS, SIMPLEX, SUPPORTS, support

VALUES = [-7.0, -3.2, -1.0, -0.5, -0.0, 0.0, 1e-6, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 3.2, 10.0, 11.0, 1e6, math.inf]
VECTORS = [[0.5, 0.5], [0.2, 0.3, 0.5], [1.0], [0.5, 0.6], [0.2, 0.2], [1.5, -0.5]]
CLASSES = {"Bernoulli": "BernoulliProbs", "Binomial": "BinomialProbs", "Categorical": "CategoricalProbs",
           "Geometric": "GeometricProbs"}
ARGUMENTS = {
    "BetaBinomial": (2.0, 3.0, 10), "Binomial": (10, 0.5), "BinomialProbs": (0.5, 10),
    "Categorical": ([0.2, 0.3, 0.5],),
    "CategoricalProbs": ([0.2, 0.3, 0.5],), "CategoricalLogits": ([0.2, 0.3, 0.5],), "DiscreteUniform": (-3, 11),
    "LogUniform": (0.25, 3.0), "Uniform": (-1.0, 2.0), "Pareto": (1.5, 2.0), "BetaProportion": (0.5, 2.0),
    "Dirichlet": ([1.0, 2.0],), "ZeroInflatedPoisson": (0.5, 2.0), "NegativeBinomialProbs": (3.0, 0.5),
}


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_domains_of_parameters(name: str) -> None:
    """A parameter is refused exactly where NumPyro's `arg_constraints` refuse it (finite where NumPyro says real)."""
    declared = getattr(numpyro_dist, CLASSES.get(name, name)).arg_constraints
    for parameter, domain in PARAMETERS[name].items():
        constraint = declared[parameter]
        if domain is SIMPLEX:
            for vector in VECTORS:
                assert domain.contains(vector) == bool(constraint(jnp.asarray(vector))), (parameter, vector)
            continue
        while hasattr(constraint, "base_constraint"):
            constraint = constraint.base_constraint
        for value in VALUES:
            if math.isfinite(value):
                assert domain.contains(value) == bool(constraint(jnp.asarray(value))), (parameter, value)


@pytest.mark.parametrize("name", sorted({*SUPPORTS, *BOUNDED, "Pareto"}))
def test_domains_of_values(name: str) -> None:
    """A value is refused exactly where the support of NumPyro's distribution does not contain it."""
    made = getattr(dist, name)(*ARGUMENTS.get(name, _ones(name)))
    given = dict(zip(made.names, ARGUMENTS.get(name, _ones(name)), strict=False))
    domain, constraint = support(name, given), support_of(made.numpyro())
    assert domain is not None and constraint is not None
    for value in VECTORS if domain is SIMPLEX else [v for v in VALUES if math.isfinite(v)]:
        x = jnp.asarray(value)
        if isinstance(constraint, type(constraints.integer_interval(0, 1))) and value != int(value):
            inside = False
        else:
            inside = bool(contains(constraint, x))
        assert domain.contains(value) == inside, value


def _ones(name: str) -> tuple[float, ...]:
    """Parameters that every domain takes."""
    return tuple(0.5 for _ in PARAMETERS.get(name, {"logits": None}))


def test_continuous_distributions_give_floats() -> None:
    """What is called continuous has a support of real numbers, and nothing else that is known has."""
    for name in {*SUPPORTS, *BOUNDED, "Pareto"}:
        made = getattr(dist, name)(*ARGUMENTS.get(name, _ones(name))).numpyro()
        discrete = made.support.is_discrete
        assert (name in CONTINUOUS) == (not discrete and made.event_shape == ()), name
