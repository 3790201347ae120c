"""Outside the support the score is -inf and nothing raises; finite supports are listed."""

import numpy as np
import pytest

from steersman.ppl import dist
from steersman.ppl.dist import Record

INF, NAN = float("inf"), float("nan")
OUTSIDE = [
    (lambda: dist.Normal(0.0, 1.0), [NAN, INF, -INF]),
    (lambda: dist.Uniform(0.0, 1.0), [-0.1, 1.1, NAN]),
    (lambda: dist.Bernoulli(0.4), [2, -1, 0.5, NAN]),
    (lambda: dist.Bernoulli(logits=0.4), [2, -1, 0.5, NAN]),
    (lambda: dist.Bernoulli(1.0), [0]),
    (lambda: dist.Categorical([0.5, 0.5]), [2, -1, 0.5, NAN]),
    (lambda: dist.Categorical([1.0, 0.0]), [1]),
    (lambda: dist.Categorical(logits=[0.0, -INF]), [1]),
    (lambda: dist.DiscreteUniform(1, 3), [0, 4, 1.5, NAN]),
    (lambda: dist.Delta(1.0), [0.0, NAN]),
    (lambda: dist.Gamma(2.0, 1.0), [-1.0, NAN, INF]),
    (lambda: dist.Beta(2.0, 2.0), [-0.1, 1.1, NAN]),
    (lambda: dist.Poisson(2.0), [-1, 1.5, NAN, INF, 1e12]),
    (lambda: dist.Binomial(3, 0.5), [4, -1, 0.5]),
    (lambda: dist.Multinomial(2, [0.5, 0.5]), [[1, 0], [3, -1], [0.5, 1.5]]),
    (lambda: dist.Dirichlet([1.0, 1.0]), [[0.4, 0.4], [-0.5, 1.5], [NAN, 0.5]]),
    (lambda: dist.MultivariateNormal(np.zeros(2), np.eye(2)), [[NAN, 0.0]]),
    (lambda: dist.MixtureSameFamily(dist.Categorical([0.5, 0.5]), dist.Exponential(np.ones(2))), [-1.0, NAN]),
    (lambda: dist.LKJ(2, 1.0), [[[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.1], [0.2, 1.0]], [[2.0, 0.0], [0.0, 1.0]]]),
    (lambda: dist.IntervalCensoredDistribution(dist.Normal(0.0, 1.0), False, False), [[1.0, 0.5], [NAN, 1.0]]),
]


@pytest.mark.parametrize("make,values", OUTSIDE, ids=lambda x: repr(x()) if callable(x) else "")
def test_outside_the_support(make, values):
    assert (Record.log_prob([make()] * len(values), values) == -INF).all()


def test_rounded_simplex_values_are_inside():
    k = 2000
    p = np.random.default_rng(0).dirichlet(np.ones(k)).astype(np.float32)
    assert np.isfinite(Record.log_prob([dist.Dirichlet(np.ones(k))], [p]))[0]


def test_masked_elements_are_free():
    record = dist.Poisson(np.array([1.0, 2.0])).mask(np.array([True, False]))
    (log_p,) = Record.log_prob([record], [[3, NAN]])
    assert log_p == pytest.approx(Record.log_prob([dist.Poisson(1.0)], [3])[0], abs=1e-5)
    assert Record.log_prob([record], [[NAN, 1]])[0] == -INF


def test_interval_bounds_may_be_infinite():
    record = dist.IntervalCensoredDistribution(dist.Normal(0.0, 1.0), False, True)
    assert Record.log_prob([record], [[0.0, INF]])[0] == pytest.approx(np.log(0.5), abs=1e-5)


@pytest.mark.parametrize(
    "make,expected",
    [
        (lambda: dist.Bernoulli(0.3), (0, 1)),
        (lambda: dist.Bernoulli(logits=0.3), (0, 1)),
        (lambda: dist.Categorical([0.2, 0.8, 0.0]), (0, 1, 2)),
        (lambda: dist.DiscreteUniform(2, 4), (2, 3, 4)),
        (lambda: dist.Delta(7), (7,)),
        (lambda: dist.Binomial(3, 0.5), (0, 1, 2, 3)),
        (lambda: dist.BetaBinomial(1.0, 2.0, 2), (0, 1, 2)),
        (lambda: dist.OrderedLogistic(0.1, np.array([-1.0, 1.0])), (0, 1, 2)),
        (lambda: dist.Binomial(1, 0.5).mask(True), (0, 1)),
    ],
)
def test_finite_supports(make, expected):
    support = make().support()
    assert support == expected and all(type(v) is int for v in support)
    record = make()
    if not isinstance(record, dist.Delta):
        assert np.exp(Record.log_prob([record] * len(support), support)).sum() == pytest.approx(1.0, abs=1e-5)


def test_infinite_or_array_supports_are_none():
    for record in (
        dist.Normal(0, 1),
        dist.Poisson(1.0),
        dist.Bernoulli(np.array([0.1, 0.2])),
        dist.Dirichlet([1.0, 1.0]),
    ):
        assert record.support() is None
