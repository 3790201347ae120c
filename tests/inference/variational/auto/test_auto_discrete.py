"""Logits over finite supports: densities, draws and gradients against sums over the support."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from guided_draws import draw

from steersman.inference.testing.report import z_score
from steersman.inference.variational.auto import AutoDiscrete, AutoGuide, NoAutomaticGuide
from steersman.models import TableLM
from steersman.ppl import Key, dist, enumerate_traces, observe, program, sample

WEIGHTS = np.array([0.5, 0.2, 0.3])


@program
async def coins() -> Any:
    """Two choices, dependent under the posterior; one value is impossible."""
    i = await sample(dist.Categorical(probs=np.array([0.5, 0.0, 0.2, 0.3])), "i")
    c = await sample(dist.Bernoulli(0.2 + 0.2 * i), "c")
    await observe(dist.Normal(i - 2.0 * c, 1.0), 0.4)
    return i, c


def started(seed: int) -> AutoDiscrete:
    guide = AutoDiscrete(coins())
    guide.initialise()
    rng = np.random.default_rng(seed)
    guide.params = {k: 1.2 * rng.normal(size=v.shape) for k, v in guide.params.items()}
    return guide


def elbo(params: Any) -> Any:
    """sum_i,c q(i) q(c) (log p - log q), by hand."""
    i = jnp.array([0, 2, 3])
    log_qi = jax.nn.log_softmax(params["i[4]"][i])
    log_qc = jax.nn.log_softmax(params["c[2]"])
    total = 0.0
    for a, x in enumerate((0, 2, 3)):
        for c in (0, 1):
            log_p = (math.log([0.5, 0.2, 0.3][a]) + math.log(0.2 + 0.2 * x if c else 0.8 - 0.2 * x)
                     - 0.5 * (0.4 - x + 2.0 * c) ** 2 - 0.5 * math.log(2 * math.pi))
            log_q = log_qi[a] + log_qc[c]
            total += jnp.exp(log_q) * (log_p - log_q)
    return total


def test_the_sum_by_hand_is_that_of_the_program() -> None:
    """sum q (log p - log q) over the enumerated executions, q from the guide; it is below log Z."""
    guide = started(0)
    total, joints = 0.0, []
    for trace, log_joint in enumerate_traces(coins()):
        sites: Any = [guide.at(("i", 0), dist.Categorical(probs=np.array([0.5, 0.0, 0.2, 0.3]))),
                      guide.at(("c", 0), dist.Bernoulli(0.5))]
        log_q = sum(float(s.log_prob([s], [trace[n]])[0]) for s, n in zip(sites, "ic", strict=True))
        total += math.exp(log_q) * (log_joint - log_q)
        joints.append(log_joint)
    assert total == pytest.approx(float(elbo(guide.params)), abs=1e-4)
    assert len(joints) == 6 and total < np.logaddexp.reduce(joints)


@pytest.mark.slow
def test_gradient_is_unbiased() -> None:
    """The score estimator with `gradient`, 400 repetitions for each of eight guides, against the gradient of the sum:
    rms z in [.8, 1.2], max |z| < 4. Without log q it is off."""
    right, wrong = [], []
    for seed in range(8):
        guide = started(seed)
        exact = jax.grad(elbo)(guide.params)
        particles = draw(guide, coins(), 1600, seed)
        found, mutant = [], []
        for r in range(400):
            those = particles[4 * r : 4 * r + 4]
            members, values, gaps, log_p = [], [], [], []
            for p in those:
                sites = p.trace.choice_sites()  # type: ignore[union-attr]
                i = sites["i", 0].value
                members += [guide.at(("i", 0), dist.Categorical(probs=np.array([0.5, 0.0, 0.2, 0.3]))),
                            guide.at(("c", 0), dist.Bernoulli(0.2 + 0.2 * i))]
                values += [i, sites["c", 0].value]
                log_p += [p.trace.log_joint] * 2  # type: ignore[union-attr]
                gaps += [p.trace.log_joint - sum(s.log_q for s in sites.values())] * 2  # type: ignore[union-attr]
            found.append(guide.gradient(members, values, np.array(gaps) / 4))  # type: ignore[arg-type]
            mutant.append(guide.gradient(members, values, np.array(log_p) / 4))  # type: ignore[arg-type]
        for key, expected in exact.items():
            for j in np.flatnonzero(np.arange(len(expected)) != (1 if key == "i[4]" else -1)):
                right.append(z_score([g[key][j] for g in found], float(expected[j])))
                wrong.append(z_score([g[key][j] for g in mutant], float(expected[j])))
        assert all(g["i[4]"][1] == 0.0 for g in found)
    assert np.abs(right).max() < 4 and 0.8 < np.sqrt(np.mean(np.square(right))) < 1.2
    assert np.abs(wrong).max() > 6


def test_draws_have_the_density() -> None:
    """Frequencies of 4000 draws against q; q sums to one over the support; what is impossible is never drawn."""
    guide = started(1)
    site: Any = guide.at(("i", 0), dist.Categorical(probs=np.array([0.5, 0.0, 0.2, 0.3])))
    q = np.exp(site.log_prob([site] * 5, [0, 1, 2, 3, 7]))
    assert q.sum() == pytest.approx(1.0) and q[1] == q[4] == 0.0
    values, log_q = site.draw([site] * 4000, Key(0).split(np.arange(4000)))
    np.testing.assert_allclose(log_q, np.log(q[values]))
    for x in (0, 2, 3):
        assert abs(z_score(np.array(values) == x, q[x])) < 4
    assert 1 not in values


def test_first_logits_hedge_the_prior() -> None:
    """q = (p + uniform) / 2 over what is possible."""
    guide = AutoDiscrete(coins())
    site: Any = guide.at(("i", 0), dist.Categorical(probs=np.array([0.5, 0.0, 0.2, 0.3])))
    third = 1 / 3
    np.testing.assert_allclose(np.exp(site.log_prob([site] * 4, range(4))), [(0.5 + third) / 2, 0, (0.2 + third) / 2,
                                                                  (0.3 + third) / 2], atol=1e-6)


def test_supports_have_their_own_logits() -> None:
    """The key tells the supports of an address apart; executions with another support do not mix."""
    guide = AutoDiscrete(coins())
    for d in (dist.Bernoulli(0.3), dist.Categorical(probs=WEIGHTS), dist.DiscreteUniform(2, 4)):
        guide.at(("i", 0), d)
    keys = list(guide.params)
    assert keys[:2] == ["i[2]", "i[3]"] and len(set(keys)) == 3
    assert guide.at(("i", 0), dist.Poisson(3.0)) is None and guide.at(("i", 0), dist.Delta(1.0)) is None


class Nothing:
    """A distribution without values: a mask that allows no token, for example."""

    family = "nothing"

    @staticmethod
    def draw(members: Any, keys: Any) -> Any:
        return [None] * len(members), np.full(len(members), -np.inf)

    @staticmethod
    def log_prob(members: Any, values: Any) -> Any:
        return np.full(len(members), -np.inf)

    def support(self) -> tuple[()]:
        return ()


def test_nothing_to_choose_is_left_to_the_program() -> None:
    """An empty support and a point mass have no parameters, and are no error."""
    guide = AutoGuide(coins())
    assert guide.at(("t", 0), Nothing()) is None and guide.at(("d", 0), dist.Delta(1.0)) is None
    assert not guide.discrete.params


def test_texts_are_refused_by_name() -> None:
    lm = TableLM.random(3, seed=4)

    @program
    async def story() -> Any:
        mood = await sample(dist.Bernoulli(0.5), "mood")
        return mood, await sample(lm.text("", max_tokens=2), "line")

    with pytest.raises(NoAutomaticGuide, match=r"'line'.*is a text.*models.adapters.*Family"):
        AutoGuide(story()).initialise()

    @program
    async def count() -> Any:
        return await sample(dist.Poisson(2.0), "n")

    with pytest.raises(NoAutomaticGuide, match=r"'n'.*neither continuous nor of finite support"):
        AutoGuide(count()).initialise()
