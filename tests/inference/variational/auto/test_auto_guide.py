"""Guides of whole programs: importance weights are unbiased for Z, fits reach the posterior from wrong scales, and
programs whose structure changes use and make the parameters that they need."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
import pytest
from guided_draws import COVARIANCE, LOG_EVIDENCE, MODE, PRECISION, chain, draw, log_q
from scipy.stats import multivariate_normal

from steersman.inference.testing.report import z_score
from steersman.inference.variational import Guide
from steersman.inference.variational.auto import (
    AutoDiscrete,
    AutoGuide,
    AutoMultivariateNormal,
    AutoNormal,
    grown,
)
from steersman.inference.variational.estimators import path_gradient
from steersman.ppl import Key, Particle, Trace, advance, dist, observe, program, sample, unfold
from steersman.ppl.guided import guided


@program
async def inner(scale: float) -> Any:
    return await sample(dist.Normal(0.0, scale), "u")


@program
async def changing() -> Any:
    """A choice that decides which others there are; one of them in a sub-program."""
    kind = await sample(dist.Categorical(probs=np.array([0.5, 0.3, 0.2])), "kind")
    x = await sample(dist.Normal(0.0, 1.0), "x")
    if kind == 1:
        x = x + await sample(dist.Normal(1.0, 2.0), "y")
    elif kind == 2:
        x = x + await inner(1.5)
    await observe(dist.Normal(x, 0.5), 1.3)
    return x


def log_evidence_of_changing() -> float:
    """log sum_k p(k) N(1.3; mean, sqrt(variance))."""
    cases = [(0.5, 0.0, 1.25), (0.3, 1.0, 5.25), (0.2, 0.0, 3.5)]
    return math.log(sum(w * math.exp(-0.5 * (1.3 - m) ** 2 / v) / math.sqrt(2 * math.pi * v) for w, m, v in cases))


def spread(guide: Any, seed: int) -> Any:
    """Random locations, scales near one, so that weights have a variance."""
    rng = np.random.default_rng(seed)
    guide.params = {
        part: {k: (0.8 if part == "raw_scale" else 0.0) + 0.3 * rng.normal(size=v.shape) for k, v in row.items()}
        for part, row in guide.params.items()
    }
    return guide


def relative_weights(guide: Any, model: Any, log_z: float, n: int, seed: int) -> Any:
    return np.array([0.0 if p.dead else math.exp(p.log_weight - log_z) for p in draw(guide, model, n, seed)])


@pytest.mark.parametrize("kind", [AutoNormal, AutoMultivariateNormal])
def test_importance_weights_are_unbiased(kind: Any) -> None:
    """E[Z_hat] = Z with the guide's proposals; a scale that log q is not told of is caught."""
    guide = kind(chain())
    guide.initialise()
    w = relative_weights(spread(guide, 0), chain(), LOG_EVIDENCE, 3000, 1)
    assert abs(z_score(w, 1.0)) < 4 and 0.05 < w.std() < 5
    assert abs(z_score(w * np.exp(0.5), 1.0)) > 8
    whole = AutoGuide(changing(), kind(changing()))
    whole.initialise(executions=12)
    spread(whole.continuous, 1)
    w = relative_weights(whole, changing(), log_evidence_of_changing(), 3000, 2)
    assert abs(z_score(w, 1.0)) < 4


def fitted(guide: Any, model: Any, steps: int, rate: float, draws: int = 16) -> None:
    """Gradient ascent on the ELBO along the path."""
    optimiser = optax.adam(optax.cosine_decay_schedule(rate, steps), b2=0.98)  # gradients are large at first only
    state = optimiser.init(guide.params)
    weights = np.full(draws, 1 / draws)
    for t in range(steps):
        traces: Any = [p.trace for p in draw(guide, model, draws, t)]
        gradient = path_gradient(guide, traces, weights, -weights, sticking_the_landing=True)[guide.name]
        updates, state = optimiser.update(jax.tree.map(lambda g: -g, gradient), state, guide.params)
        guide.params = optax.apply_updates(guide.params, updates)


@pytest.mark.parametrize("init_scale", [pytest.param(0.05, marks=pytest.mark.slow), 4.0])
def test_full_rank_reaches_the_posterior(init_scale: float) -> None:
    """Mean and covariance are those of the posterior, from scales that are far too small or too large: at the optimum
    the gradient has no variance, so the fit ends there but for its steps."""
    guide = AutoMultivariateNormal(chain(), init_scale=init_scale)
    guide.initialise()
    assert all(float(np.logaddexp(0, v)) == pytest.approx(init_scale) for v in guide.params["raw_scale"].values())
    fitted(guide, chain(), 400, 0.3)
    order = np.array([guide.rows_of(k).start for k in "xy"])
    L = guide._whole()[order]
    np.testing.assert_allclose(guide.flat["loc"][order], MODE, atol=2e-3)
    np.testing.assert_allclose(L @ L.T, COVARIANCE, atol=2e-3)
    q = multivariate_normal(MODE, COVARIANCE)
    for p in draw(guide, chain(), 5):
        assert log_q(p) == pytest.approx(q.logpdf([p.trace["x"], p.trace["y"]]), abs=0.05)  # type: ignore[index]


@pytest.mark.slow
def test_mean_field_reaches_its_optimum() -> None:
    """The best independent normals have the mean of the posterior and the inverse diagonal of its precision."""
    guide = AutoNormal(chain(), init_scale=3.0)
    guide.initialise()
    fitted(guide, chain(), 200, 0.3)
    fitted(guide, chain(), 100, 0.02, draws=64)
    for j, key in enumerate("xy"):
        scale = float(np.logaddexp(0, guide.params["raw_scale"][key]))
        assert guide.params["loc"][key] == pytest.approx(MODE[j], abs=0.05)
        assert scale == pytest.approx(PRECISION[j, j] ** -0.5, abs=0.05)


def test_sites_that_are_not_made_use_no_parameters() -> None:
    """The gradient of an execution is zero, exactly, at the sites that it does not make."""
    guide = AutoGuide(changing())
    guide.initialise(executions=30)
    assert set(guide.continuous.params["loc"]) == {"x", "y", "inner/u"}
    for p in draw(guide, changing(), 12, 3):
        gradient = path_gradient(guide, [p.trace], np.ones(1), -np.ones(1))["AutoNormal"]  # type: ignore[list-item]
        made = {"x", {0: "", 1: "y", 2: "inner/u"}[p.trace["kind"]]}  # type: ignore[index]
        for key, value in gradient["loc"].items():
            assert (value != 0) == (key in made)


def test_a_site_met_later_adds_its_parameters() -> None:
    """The others keep theirs, and an optimiser's state grows with them."""
    for kind in (AutoNormal, AutoMultivariateNormal):
        guide = kind(changing())
        guide.at(("x", 0), dist.Normal(0.0, 1.0))
        before = guide.params
        optimiser = optax.adam(0.1)
        ones = jax.tree.map(np.ones_like, before)
        _, state = optimiser.update(ones, optimiser.init(before), before)
        draw(guide, changing(), 30, 1)
        assert set(guide.params["loc"]) == {"x", "y", "inner/u"}
        assert guide.params["loc"]["x"] == before["loc"]["x"]
        bigger = grown(state, optimiser.init(guide.params))
        moments = bigger[0].mu
        assert moments["loc"]["x"] == pytest.approx(0.1) and moments["loc"]["y"] == 0.0 and bigger[0].count == 1
        optimiser.update(jax.tree.map(np.ones_like, guide.params), bigger, guide.params)


def test_parameters_survive_a_round_trip() -> None:
    """Trees that JAX has sorted, given to a new guide, are the same guide."""
    for kind in (AutoNormal, AutoMultivariateNormal):
        first, second = kind(changing()), kind(changing())
        first.at(("y", 0), dist.Normal(1.0, 2.0))
        first.at(("x", 0), dist.Normal(0.0, 1.0))
        spread(first, 4)
        second.params = jax.tree.map(lambda x: x + 0.0, first.params)
        chosen = {("y", 0): (dist.Normal(1.0, 2.0), 0.3)}
        sites: Any = [g.at(("x", 0), dist.Normal(0.0, 1.0), chosen) for g in (first, second)]
        a, b = (s.log_prob([s] * 3, [-1.0, 0.2, 2.0]) for s in sites)
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_guides_are_saved_whole(tmp_path: Path) -> None:
    """A new guide of the program, which has met nothing or other sites first, draws like the one that was saved."""
    model = changing()
    first = AutoGuide(model, AutoMultivariateNormal(model))
    first.initialise(seed=1, executions=20)
    spread(first.continuous, 4)
    Guide(first).save(tmp_path)
    for executions in (0, 20):
        second = AutoGuide(model, AutoMultivariateNormal(model))
        second.initialise(seed=2, executions=executions)
        Guide(second).load(tmp_path)
        draws = [[p.log_weight for p in draw(g, model, 20, 5)] for g in (first, second)]
        np.testing.assert_allclose(draws[0], draws[1], rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="parameters are a dictionary of loc, raw_scale"):
        Guide(AutoNormal(model, name="AutoMultivariateNormal"), AutoDiscrete(model)).load(tmp_path)


def test_first_locations_are_medians() -> None:
    """init_to_median: near the median of the prior as real numbers, the same in every process."""
    guide = AutoNormal(chain())
    guide.at(("s", 0), dist.LogNormal(1.0, 0.1))
    guide.at(("improper", 0), dist.ImproperUniform(dist_constraints().real, (), ()))
    assert guide.params["loc"]["s"] == pytest.approx(1.0, abs=0.15) and guide.params["loc"]["improper"] == 0.0


def test_guided_programs_have_the_same_gradient() -> None:
    """`guided` draws from `at`; the gradient of its executions is that of the program without the guide. Loops of
    `unfold` are not guided: what they draw has no path."""

    @program
    async def step(state: Any) -> Any:
        return state[0] + await sample(dist.Normal(0.0, 1.0), "d"), state[1] + 1

    @program
    async def looping() -> Any:
        x = await sample(dist.Normal(0.0, 1.0), "x")
        last = await unfold(step, (x, 0), lambda s: s[1] == 2, "walk")
        await observe(dist.Normal(last[0], 1.0), 0.5)

    for model, names in ((changing(), {"x", "y", "inner/u"}), (looping(), {"x"})):
        guide = AutoGuide(model, AutoMultivariateNormal(model))
        guide.initialise(executions=20)
        particles = [Particle(guided(model, guide), slot) for slot in range(6)]
        advance(particles, Key(1))
        traces: Any = [p.trace for p in particles]
        one = np.ones(6)
        found = path_gradient(guide, traces, one, -one, program=model)["AutoMultivariateNormal"]
        bare = [Trace(model, t.sites(), t.value) for t in traces]
        again = path_gradient(guide, bare, one, -one)["AutoMultivariateNormal"]
        jax.tree.map(np.testing.assert_array_equal, found, again)
        assert {k for k, v in found["loc"].items() if v} == names


def dist_constraints() -> Any:
    from numpyro.distributions import constraints

    return constraints


def test_bad_input() -> None:
    """One error each, which names what is wrong."""
    with pytest.raises(ValueError, match="init_scale=0"):
        AutoNormal(chain(), init_scale=0)
    guide = AutoMultivariateNormal(chain())
    guide.initialise()
    with pytest.raises(TypeError, match=r"chosen\['x'\] must be a pair"):
        guide.at(("y", 0), dist.Normal(0.0, 1.0), {("x", 0): 0.3})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="loc, raw_scale, lower"):
        guide.params = {"loc": {}}
    with pytest.raises(ValueError, match="'lower' of 'z'"):
        guide.params = {"loc": {"z": 0.0}, "raw_scale": {"z": 0.0}, "lower": {"z": np.zeros((1, 3))}}
    with pytest.raises(KeyError, match="'nowhere'"):
        guide.slots(("nowhere", 0), ())
    assert AutoDiscrete(chain()).at(("x", 0), dist.Normal(0.0, 1.0)) is None
    assert {t.name for t in AutoGuide(chain()).trainables} == {"AutoNormal", "AutoDiscrete"}
