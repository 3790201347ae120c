"""The gradient along the path of continuous choices is unbiased for the gradient of the ELBO, in closed form or by
quadrature; estimators that drop a term of it are not."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from guided_draws import (
    COVARIANCE,
    LOG_AT_MODE,
    LOG_EVIDENCE,
    MODE,
    PRECISION,
    chain,
    draw,
    gauss_hermite,
    log_joint_of_chain,
    log_joint_of_supports,
    log_q,
    simplex,
    started,
    supports,
)
from numpyro.distributions import Dirichlet, biject_to, constraints

from steersman.inference.testing.report import z_score
from steersman.inference.variational.auto import AutoMultivariateNormal, AutoNormal
from steersman.inference.variational.estimators import path as path_module
from steersman.inference.variational.estimators import path_gradient
from steersman.ppl import dist, observe, program, sample

REPETITIONS = 400
CHAIN, SUPPORTS, SIMPLEX = chain(), supports(), simplex()


def factor_of(flat: Any, n: int) -> Any:
    """L (traced)."""
    scale = jax.nn.softplus(flat["raw_scale"][:n])
    lower = jnp.tril(flat["lower"][:n, :n], -1) if "lower" in flat else jnp.zeros((n, n))
    return scale[:, None] * lower + jnp.diag(scale)


def elbo_of_chain(guide: Any) -> Any:
    """log p at the mode - (tr(P L L') + (m - mode)' P (m - mode)) / 2 + the entropy of N(m, L L')."""
    order = [guide.rows_of(k).start for k in ("x", "y")]

    def elbo(flat: Any) -> Any:
        L = factor_of(flat, 2)[jnp.array(order)]
        away = flat["loc"][jnp.array(order)] - MODE
        entropy = jnp.sum(jnp.log(jnp.diagonal(factor_of(flat, 2)))) + 1.0 + math.log(2 * math.pi)
        return LOG_AT_MODE - 0.5 * (jnp.trace(PRECISION @ L @ L.T) + away @ PRECISION @ away) + entropy

    return elbo


def elbo_by_quadrature(guide: Any, log_weight: Any, keys: list[str], numbers: int, nodes: int) -> Any:
    """E[log p(x) + log |det dx/du| - log q(u)], u = m + L z, z on a grid; log_weight: the first two terms at u."""
    z, w = gauss_hermite(nodes, numbers)
    order = np.concatenate([np.arange(guide.rows_of(k).start, guide.rows_of(k).stop) for k in keys])

    def elbo(flat: Any) -> Any:
        L = factor_of(flat, numbers)
        u = flat["loc"][:numbers] + z @ L.T
        entropy = jnp.sum(jnp.log(jnp.diagonal(L))) + 0.5 * numbers * (1.0 + math.log(2 * math.pi))
        return w @ jax.vmap(log_weight)(u[:, order]) + entropy

    return elbo


def weight_of_supports(u: Any) -> Any:
    """log p + log |det dx/du| at (s, w, g) = T(u)."""
    s, g = jnp.exp(u[0]), jnp.exp(u[2])
    unit = jax.nn.sigmoid(u[1])
    width = 1.0 + s * s + s
    log_det = u[0] + u[2] + jnp.log(width) + jnp.log(unit) + jnp.log1p(-unit)
    return log_joint_of_supports(s, -s + width * unit, g) + log_det


def weight_of_simplex(u: Any) -> Any:
    transform = biject_to(constraints.simplex)
    q = transform(u)
    words = jnp.log(q)[jnp.array([0, 1, 1, 2, 1])].sum()
    return Dirichlet(jnp.array([1.0, 2.0, 1.5])).log_prob(q) + words + transform.log_abs_det_jacobian(u, q)


def flattened(tree: Any, guide: Any) -> Any:
    """The entries that matter, as one vector."""
    rows = [np.ravel(tree[part][k]) for part in ("loc", "raw_scale") for k in sorted(guide.params["loc"])]
    if "lower" in guide.parts:
        for key, block in tree["lower"].items():
            place = guide.rows_of(key)
            rows.append(block[np.tril_indices(place.stop - place.start, place.start - 1, block.shape[1])])
    return np.concatenate(rows)


def scores(guide: Any, model: Any, elbo: Any, seed: int, b: float = -1.0, draws: int = 1, **options: Any) -> Any:
    """z of every entry of the gradient, from repetitions of an estimate with a few draws."""
    exact = flattened(guide.tree(jax.jit(jax.grad(elbo))(guide.flat)), guide)
    traces: Any = [p.trace for p in draw(guide, model, REPETITIONS * draws, seed)]
    a = np.full(draws, 1 / draws)
    found = []
    for k in range(0, len(traces), draws):
        (tree,) = path_gradient(guide, traces[k : k + draws], a, b * a, **options).values()
        found.append(flattened(tree, guide))
    return np.array([z_score(column, e) for column, e in zip(np.array(found).T, exact, strict=True)])


def on_chain(kind: Any, seed: int, **options: Any) -> Any:
    guide = started(kind, CHAIN, seed)
    return scores(guide, CHAIN, elbo_of_chain(guide), 2 * seed + (kind is AutoNormal), **options)


def on_supports(kind: Any, seed: int, **options: Any) -> Any:
    guide = started(kind, SUPPORTS, seed)
    elbo = elbo_by_quadrature(guide, weight_of_supports, ["s", "w", "g"], 3, 20)
    return scores(guide, SUPPORTS, elbo, 20 + 2 * seed + (kind is AutoNormal), draws=4, **options)


def on_simplex(kind: Any, seed: int, **options: Any) -> Any:
    guide = started(kind, SIMPLEX, seed)
    elbo = elbo_by_quadrature(guide, weight_of_simplex, ["q[2]"], 2, 40)
    return scores(guide, SIMPLEX, elbo, 40 + 2 * seed + (kind is AutoNormal), **options)


def test_the_closed_form_is_that_of_the_model() -> None:
    """The mean of log p - log q over draws is the ELBO, which is below log Z; at the posterior it is log Z."""
    assert float(log_joint_of_chain(jnp.array(MODE))) == pytest.approx(LOG_AT_MODE, abs=1e-5)
    guide = started(AutoMultivariateNormal, chain(), 1)
    elbo = float(elbo_of_chain(guide)(guide.flat))
    gaps = [p.trace.log_joint - log_q(p) for p in draw(guide, chain(), 2000)]  # type: ignore[union-attr]
    assert abs(z_score(gaps, elbo)) < 4 and elbo < LOG_EVIDENCE
    best = np.linalg.cholesky(COVARIANCE)
    scale = np.diag(best)
    assert list(guide._starts) == ["x", "y"]
    raw = np.log(np.expm1(scale))
    guide.params = {
        "loc": dict(zip("xy", MODE, strict=True)), "raw_scale": dict(zip("xy", raw, strict=True)),
        "lower": {"x": np.zeros((1, 1)), "y": np.array([[best[1, 0] / scale[1], 0.0]])},
    }
    assert float(elbo_of_chain(guide)(guide.flat)) == pytest.approx(LOG_EVIDENCE, abs=1e-5)
    for p in draw(guide, chain(), 20):
        assert p.trace.log_joint - log_q(p) == pytest.approx(LOG_EVIDENCE, abs=1e-4)  # type: ignore[union-attr]


@pytest.mark.parametrize(("kind", "sticking"), [(AutoNormal, True), (AutoMultivariateNormal, False)])
def test_unbiased_on_the_normal_model(kind: Any, sticking: bool) -> None:
    """400 repetitions, max |z| < 4."""
    z = on_chain(kind, 0, sticking_the_landing=sticking)
    assert np.abs(z).max() < 4, z


@pytest.mark.slow
def test_unbiased_on_the_simplex() -> None:
    """The same against quadrature."""
    z = on_simplex(AutoNormal, 0)
    assert np.abs(z).max() < 4, z


@pytest.mark.slow
@pytest.mark.parametrize("sticking", [False, True])
def test_errors_are_those_of_chance(sticking: bool) -> None:
    """Over 36 guides: rms z in [.8, 1.2], max |z| < 4; also with an interval whose ends depend on another choice."""
    kinds, models = (AutoNormal, AutoMultivariateNormal), (on_chain, on_supports, on_simplex)
    every = np.concatenate([
        on(kind, seed, sticking_the_landing=sticking) for on in models for kind in kinds for seed in range(6)
    ])
    assert len(every) > 150
    assert np.abs(every).max() < 4 and 0.8 < np.sqrt(np.mean(every**2)) < 1.2, every


def test_dropping_log_q_is_caught() -> None:
    z = on_chain(AutoMultivariateNormal, 0, b=0.0, draws=4)
    assert np.abs(z).max() > 8, z


def test_dropping_log_det_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = path_module.log_density

    def mutant(*given: Any) -> Any:
        x, log_p, _ = right(*given)
        return x, log_p, 0.0

    monkeypatch.setattr(path_module, "log_density", mutant)
    path_module.path.cache_clear()
    try:
        z = on_simplex(AutoNormal, 0, draws=8)
        assert np.abs(z).max() > 8, z
    finally:
        path_module.path.cache_clear()


def test_sticking_the_landing_has_no_variance_at_the_posterior() -> None:
    """There log p - log q is constant along the path: the gradient of every draw is zero. The other estimator's is not.
    """
    guide = started(AutoNormal, alone(), 0)
    guide.params = {"loc": {"m": 0.6}, "raw_scale": {"m": np.log(np.expm1(math.sqrt(0.2)))}}
    (p,) = draw(guide, alone(), 1)
    one = np.ones(1)
    stuck = path_gradient(guide, [p.trace], one, -one, sticking_the_landing=True)["AutoNormal"]  # type: ignore[list-item]
    total = path_gradient(guide, [p.trace], one, -one)["AutoNormal"]  # type: ignore[list-item]
    assert abs(stuck["loc"]["m"]) < 1e-4 and abs(stuck["raw_scale"]["m"]) < 1e-4
    assert abs(total["raw_scale"]["m"]) > 1e-2


@program
async def alone() -> Any:
    """Posterior N(.6, .2): prior precision 1, four observations' worth of precision at .75."""
    m = await sample(dist.Normal(0.0, 1.0), "m")
    await observe(dist.Normal(m, 0.5), 0.75)
    return m
