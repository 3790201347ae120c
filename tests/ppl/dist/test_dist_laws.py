"""Draws follow their law: Kolmogorov-Smirnov or chi-square, p > 1e-4 with a fixed seed."""

import numpy as np
import pytest
import scipy.stats as st

from steersman.ppl import dist
from steersman.ppl.dist import Record
from steersman.ppl.keys import Key

N = 4096
CONTINUOUS = {
    "Normal": (lambda: dist.Normal(0.5, 2.0), st.norm(0.5, 2.0)),
    "Uniform": (lambda: dist.Uniform(-1.0, 3.0), st.uniform(-1.0, 4.0)),
    "Gamma": (lambda: dist.Gamma(2.0, 3.0), st.gamma(2.0, scale=1 / 3)),
    "Beta": (lambda: dist.Beta(0.5, 2.0), st.beta(0.5, 2.0)),
    "Exponential": (lambda: dist.Exponential(2.0), st.expon(scale=0.5)),
    "StudentT": (lambda: dist.StudentT(4.0, 1.0, 2.0), st.t(4.0, 1.0, 2.0)),
    "LogNormal": (lambda: dist.LogNormal(0.2, 0.5), st.lognorm(0.5, scale=np.exp(0.2))),
}
DISCRETE = {
    "Bernoulli": (lambda: dist.Bernoulli(0.3), st.bernoulli(0.3)),
    "BernoulliLogits": (lambda: dist.Bernoulli(logits=-1.0), st.bernoulli(1 / (1 + np.e))),
    "Categorical": (lambda: dist.Categorical([0.2, 0.0, 0.5, 0.3]), [0.2, 0.0, 0.5, 0.3]),
    "CategoricalLogits": (lambda: dist.Categorical(logits=np.log([0.2, 0.3, 0.5]) + 7), [0.2, 0.3, 0.5]),
    "DiscreteUniform": (lambda: dist.DiscreteUniform(-1, 3), st.randint(-1, 4)),
    "Binomial": (lambda: dist.Binomial(6, 0.3), st.binom(6, 0.3)),
    "Poisson": (lambda: dist.Poisson(2.5), st.poisson(2.5)),
}


def draws(record):
    return Record.draw([record] * N, Key(11).split(np.arange(N)))[0]


SLOW = ("Beta", "StudentT", "Binomial")


def names(table):
    return [pytest.param(n, marks=pytest.mark.slow if n in SLOW else ()) for n in table]


@pytest.mark.parametrize("name", names(CONTINUOUS))
def test_continuous_draws(name):
    make, law = CONTINUOUS[name]
    values = draws(make())
    assert all(type(v) is float for v in values)
    assert st.kstest(values, law.cdf).pvalue > 1e-4


@pytest.mark.parametrize("name", names(DISCRETE))
def test_discrete_draws(name):
    make, law = DISCRETE[name]
    values = draws(make())
    assert all(type(v) is int for v in values)
    low, high = min(values), max(values)
    seen = np.bincount(np.array(values) - low)
    p = np.array([law[k] if isinstance(law, list) else law.pmf(k) for k in range(low, high + 1)])
    assert seen[p == 0].sum() == 0
    keep = p * N >= 5
    rest = np.append(seen[keep], seen[~keep].sum()), np.append(p[keep], 1 - p[keep].sum()) * N
    used = rest[1] > 1e-6
    statistic = ((rest[0] - rest[1])[used] ** 2 / rest[1][used]).sum()
    assert st.chi2(used.sum() - 1).sf(statistic) > 1e-4


def test_array_draws():
    values = draws(dist.MultivariateNormal(np.array([1.0, -1.0]), np.array([[1.0, 0.5], [0.5, 2.0]])))
    x = np.stack(values)
    assert np.abs(x.mean(0) - [1.0, -1.0]).max() < 4.5 * np.sqrt(2 / N)
    assert np.abs(np.cov(x.T) - [[1.0, 0.5], [0.5, 2.0]]).max() < 4.5 * 2 * np.sqrt(2 / N)


@pytest.mark.parametrize("make", [lambda: dist.Gamma(0.01, 1.0), lambda: dist.Beta(0.05, 0.05)])
def test_draws_that_underflow_stay_inside(make):
    """In float32 most of these round to the ends of the support, where the density is infinite."""
    members = [make()] * 256
    values, log_q = Record.draw(members, Key(2).split(np.arange(256)))
    assert np.isfinite(log_q).all()
    assert np.array_equal(Record.log_prob(members, values), log_q)


@pytest.mark.parametrize("u", [2.0**-54, 1.0 - 2.0**-53, 1.0])
def test_the_ends_of_the_uniform(u):
    """`Keys.uniform` rounds to 1.0 once in 2^53 draws."""
    from steersman.ppl.dist.direct import direct_path

    records = [dist.Normal(0.0, 1.0), dist.Uniform(0.0, 1.0), dist.DiscreteUniform(0, 3), dist.Bernoulli(0.5)]
    for record in [*records, dist.Bernoulli(logits=0.0), dist.Categorical([0.0, 0.5, 0.5, 0.0])]:
        path = direct_path(record.family, [record])
        values, log_q = path.draw([record], np.array([u]))
        assert np.isfinite(log_q).all(), (record, values)
