"""Families, groups, and what is shared: a member's result never depends on the rest of its group."""

import numpy as np
import pytest

from steersman.ppl import dist
from steersman.ppl.dist import Record, compiled
from steersman.ppl.keys import Key

EXACT = {  # evaluated in float64 by NumPy: bit for bit
    "Normal": lambda i: dist.Normal(0.1 * i, 1.0 + i),
    "Uniform": lambda i: dist.Uniform(-1.0 * i, 1),
    "Bernoulli": lambda i: dist.Bernoulli(1 / (2 + i)),
    "BernoulliLogits": lambda i: dist.Bernoulli(logits=0.3 * i),
    "Categorical": lambda i: dist.Categorical(np.array([1.0, 1 + i, 2.0]) / (4 + i)),
    "CategoricalLogits": lambda i: dist.Categorical(logits=np.linspace(-i, i, 5)),
    "DiscreteUniform": lambda i: dist.DiscreteUniform(0, 2 + i),
}
COMPILED = {
    "Gamma": lambda i: dist.Gamma(1 + i, 2.0),
    "StudentT": lambda i: dist.StudentT(3.0 + i, 0, 1.5),
    "Binomial": lambda i: dist.Binomial(3 + i, 0.4),
    "MultivariateNormal": lambda i: dist.MultivariateNormal(np.full(2, i, np.float32), scale_tril=EYE),
}
EYE = np.eye(2, dtype=np.float32)


SLOW = [pytest.param(n, marks=pytest.mark.slow) for n in ("StudentT", "Binomial")]


@pytest.mark.parametrize("name", [*EXACT, "Gamma", "MultivariateNormal", *SLOW])
def test_a_group_equals_its_members_one_by_one(name):
    make = (EXACT | COMPILED)[name]
    members = [make(i) for i in range(11)]
    assert len({m.family for m in members}) == 1
    keys = Key(1).split(np.arange(11))
    values, log_q = Record.draw(members, keys)
    log_p = Record.log_prob(members, values)
    assert np.array_equal(log_p, log_q)
    for i, member in enumerate(members):
        value, one_q = Record.draw([member], Key(1).split([i]))
        (one_p,) = Record.log_prob([member], [values[i]])
        if name in EXACT:
            assert value[0] == values[i] and one_q[0] == log_q[i] and one_p == log_p[i]
        else:
            np.testing.assert_allclose(value[0], values[i], rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose([one_q[0], one_p], [log_q[i]] * 2, rtol=1e-5, atol=1e-5)


def test_families():
    family = dist.Normal(0.0, 1.0).family
    assert family == dist.Normal(3, 2.5).family == dist.Normal(np.float64(3), np.float32(1)).family
    assert family == dist.Normal(loc=0.0, scale=1.0).family == dist.Normal(scale=1.0, loc=2.0).family
    assert family != dist.Cauchy(0.0, 1.0).family
    assert family != dist.Normal(np.zeros(3), 1.0).family
    assert dist.Normal(np.zeros(3), 1.0).family != dist.Normal(np.zeros(4), 1.0).family
    assert dist.Categorical([0.5, 0.5]).family == dist.Categorical((0.1, 0.9)).family
    assert dist.GaussianRandomWalk(1.0, 4).family != dist.GaussianRandomWalk(1.0, 5).family
    assert dist.Binomial(3, 0.5).family == dist.Binomial(4, 0.1).family
    assert dist.Multinomial(3, [0.5, 0.5]).family != dist.Multinomial(4, [0.5, 0.5]).family


def test_nested_families():
    def mixture(a):
        return dist.MixtureSameFamily(dist.Categorical([a, 1 - a]), dist.Normal(np.array([a, 2.0]), 1.0))

    def shifted(a):
        return dist.TransformedDistribution(dist.Normal(0.0, 1.0), dist.transforms.AffineTransform(a, 2.0))

    for make in (mixture, shifted):
        members = [make(0.1 * i) for i in range(1, 5)]
        assert len({m.family for m in members}) == 1
        expected = [float(m.numpyro().log_prob(0.3)) for m in members]
        np.testing.assert_allclose(Record.log_prob(members, [0.3] * 4), expected, rtol=1e-5)


def test_one_array_object_is_passed_once(monkeypatch):
    seen, real = [], compiled.program
    monkeypatch.setattr(compiled, "program", lambda verb, family, axes: seen.append(axes) or real(verb, family, axes))
    covariance = np.eye(2, dtype=np.float32)
    members = [dist.MultivariateNormal(np.full(2, i, np.float32), covariance) for i in range(3)]
    Record.log_prob(members, [np.zeros(2)] * 3)
    assert seen == [(0, None)]


def test_group_sizes_share_buckets():
    record = dist.Weibull(1.25, 2.0)
    for n in (1, 3, 8, 9, 16, 13):
        Record.log_prob([record] * n, [0.5] * n)
    assert compiled.program("log_prob", record.family, (0, 0))._cache_size() == 2


def test_the_caches_are_bounded():
    for cache in (compiled.program, compiled.form):
        assert cache.cache_info().maxsize is not None
    for k in range(compiled.program.cache_info().maxsize + 20):
        compiled.program("log_prob", dist.Normal(np.zeros(k), 1.0).family, (0, 0))
    assert compiled.program.cache_info().currsize == compiled.program.cache_info().maxsize


def test_batch_dimensions_are_one_joint_value():
    x = np.array([0.1, 0.2, 0.3])
    expected = Record.log_prob([dist.Normal(0.0, 1.0)] * 3, x.tolist()).sum()
    for record in (
        dist.Normal(np.zeros(3), 1.0),
        dist.Normal(0.0, 1.0).expand([3]),
        dist.Normal(0, 1).expand([3]).to_event(),
    ):
        assert Record.log_prob([record], [x])[0] == pytest.approx(expected, abs=1e-5)
        (value,), _ = Record.draw([record], Key(0).split([0]))
        assert value.shape == (3,)
