"""Under jit and grad parameters and values are tracers; the score is then a traced array."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from steersman.ppl import dist
from steersman.ppl.dist import Record
from steersman.ppl.keys import Key

CASES = {
    "Normal": (lambda t: dist.Normal(t, 1.5), 0.3),
    "Gamma": (lambda t: dist.Gamma(jnp.exp(t), 2.0), 0.3),
    "Bernoulli": (lambda t: dist.Bernoulli(logits=t), 1),
    "Categorical": (lambda t: dist.Categorical(logits=jnp.stack([t, -t])), 1),
    "CategoricalList": (lambda t: dist.Categorical(logits=[t, -t]), 1),
    "Batch": (lambda t: dist.Normal(t * jnp.ones(3), 1.0), np.array([0.1, 0.2, 0.3])),
    "Mixture": (
        lambda t: dist.MixtureSameFamily(dist.Categorical([0.4, 0.6]), dist.Normal(t + jnp.arange(2.0), 1.0)),
        0.3,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_log_prob_under_jit_and_grad(name):
    make, value = CASES[name]

    def score(t):
        return Record.log_prob([make(t), make(2 * t)], [value, value]).sum()

    plain = sum(Record.log_prob([make(t)], [value])[0] for t in (jnp.float32(0.7), jnp.float32(1.4)))
    assert float(jax.jit(score)(0.7)) == pytest.approx(plain, abs=1e-4)
    step = 1e-2
    slope = (float(jax.jit(score)(0.7 + step)) - float(jax.jit(score)(0.7 - step))) / (2 * step)
    assert float(jax.grad(score)(0.7)) == pytest.approx(slope, abs=5e-3, rel=1e-2)


def test_traced_values_and_support():
    def score(x):
        return Record.log_prob([dist.Exponential(2.0), dist.Exponential(3.0)], [x, x])

    inside, outside = jax.jit(score)(0.5), jax.jit(score)(-0.5)
    np.testing.assert_allclose(inside, np.log([2.0, 3.0]) - 0.5 * np.array([2.0, 3.0]), rtol=1e-5)
    assert (np.asarray(outside) == -np.inf).all()
    assert float(jax.grad(lambda x: score(x).sum())(0.5)) == pytest.approx(-5.0)


def test_traced_draws_are_reparametrised():
    def draw(loc):
        values, log_q = Record.draw([dist.Normal(loc, 1.0)] * 2, Key(0).split([0, 1]))
        return values[0] + values[1], log_q

    total, log_q = jax.jit(draw)(0.5)
    assert log_q.shape == (2,) and np.isfinite(float(total))
    assert float(jax.grad(lambda t: draw(t)[0])(0.5)) == pytest.approx(2.0)


def test_a_traced_value_of_the_wrong_shape():
    with pytest.raises(ValueError, match=r"Normal.*shape \(\), got a value of shape \(2,\)"):
        jax.jit(lambda x: Record.log_prob([dist.Normal(0.0, 1.0)], [x]))(jnp.zeros(2))
