"""log_prob of every mirrored distribution equals NumPyro's, at values drawn by the record itself."""

import numpy as np
import numpyro.distributions as numpyro_dist
import pytest
from dist_table import ARGUMENTS, CORR, EXCEPTIONS, make

from steersman.ppl import dist
from steersman.ppl.dist import Record
from steersman.ppl.keys import Key

FAST = {  # the others compile for seconds and belong to the slow tier
    *("Beta", "Bernoulli", "BernoulliLogits", "Categorical", "CategoricalLogits", "Delta", "DiscreteUniform"),
    *("Exponential", "Gamma", "Independent", "LogNormal", "MaskedDistribution", "Multinomial", "Normal"),
    *("TransformedDistribution", "TruncatedNormal", "Uniform"),
}
UNDRAWN = {  # name: values to score where NumPyro has no usable sampler
    "GaussianCopulaBeta": [np.array([0.2, 0.6], np.float32), np.array([0.9, 0.4], np.float32)],
    "IntervalCensoredDistribution": [np.array([-0.3, 0.8], np.float32), np.array([0.5, 0.5], np.float32)],
}
CASES = [pytest.param(n, marks=() if n in FAST else pytest.mark.slow) for n in ARGUMENTS]


def test_the_table_covers_every_name():
    own = {"Record", "as_distribution", "constraints", "transforms", "biject_to"}
    assert set(dist.__all__) - own == set(ARGUMENTS) | set(EXCEPTIONS)
    exported = {n for n in numpyro_dist.__all__ if isinstance(getattr(numpyro_dist, n), type)}
    assert exported <= set(dist.__all__)


@pytest.mark.parametrize("name", CASES)
def test_log_prob_equals_numpyros(name):
    members = [make(dist, name), make(dist, name)]
    assert members[0].family == members[1].family and members[0] == members[0]
    if name in UNDRAWN:
        values = UNDRAWN[name]
        log_p = Record.log_prob(members, values)
    else:
        values, log_p = Record.draw(members, Key(3).split([0, 1]))
        assert np.array_equal(Record.log_prob(members, values), log_p)
    reference = make(numpyro_dist, name)
    expected = [float(np.sum(reference.log_prob(np.asarray(v)))) for v in values]
    assert log_p.dtype == np.float64
    np.testing.assert_allclose(log_p, expected, rtol=2e-4, atol=2e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in ARGUMENTS if n not in UNDRAWN])
def test_a_drawn_value_is_in_the_support(name):
    """200 draws: none may score -inf, +inf or NaN under the law that drew it."""
    members = [make(dist, name)] * 200
    values, log_q = Record.draw(members, Key(5).split(np.arange(200)))
    assert np.isfinite(log_q).all()
    assert np.isfinite(Record.log_prob(members, values)).all()


def test_an_improper_uniform_scores_but_cannot_be_drawn():
    flat = dist.ImproperUniform(dist.constraints.positive, (), ())
    assert Record.log_prob([flat, flat], [2.0, -1.0]).tolist() == [0.0, -np.inf]
    with pytest.raises(NotImplementedError, match=r"ImproperUniform.*cannot be drawn"):
        Record.draw([flat], Key(0).split([0]))


def test_a_copula_record_matches_at_mixed_values():
    copula = dist.GaussianCopula(dist.Normal(0.0, 1.0), CORR)
    x = np.array([0.3, -0.4], np.float32)
    reference = numpyro_dist.MultivariateNormal(np.zeros(2), CORR).log_prob(x)
    assert Record.log_prob([copula], [x])[0] == pytest.approx(float(reference), abs=1e-4)
