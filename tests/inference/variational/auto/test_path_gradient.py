"""The gradient along the path of continuous choices is unbiased for the gradient of the ELBO, computed in closed form or
by quadrature; estimators that drop a term of it are not."""

from __future__ import annotations

import math
from collections.abc import Callable
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
    supports,
)
from numpyro.distributions import Dirichlet, biject_to, constraints

from steersman.inference.testing.report import z_score
from steersman.inference.variational.auto import AutoMultivariateNormal, AutoNormal
from steersman.inference.variational.estimators import path as path_module
from steersman.inference.variational.estimators import path_gradient
from steersman.ppl import TracedControlFlow, condition, dist, factor, observe, program, sample

REPETITIONS, DRAWS = 400, 4
Exact = Callable[[Any, Any], Any]


def started(kind: Any, model: Any, seed: int) -> Any:
    """A guide with random parameters."""
    guide = kind(model)
    guide.initialise(executions=1)
    rng = np.random.default_rng(seed)
    guide.params = {
        part: {k: (v if part == "loc" else 0.0) + 0.4 * rng.normal(size=v.shape) for k, v in row.items()}
        for part, row in guide.params.items()
    }
    return guide


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


def scores(guide: Any, model: Any, elbo: Any, seed: int, b: float = -1.0, **options: Any) -> Any:
    """z of every entry of the gradient, from repetitions of an estimate with a few draws."""
    exact = flattened(guide.tree(jax.grad(elbo)(guide.flat)), guide)
    particles = draw(guide, model, REPETITIONS * DRAWS, seed)
    a = np.full(DRAWS, 1 / DRAWS)
    found = []
    for r in range(REPETITIONS):
        traces = [p.trace for p in particles[r * DRAWS : (r + 1) * DRAWS]]
        (tree,) = path_gradient(guide, traces, a, b * a, **options).values()  # type: ignore[arg-type]
        found.append(flattened(tree, guide))
    return np.array([z_score(column, e) for column, e in zip(np.array(found).T, exact, strict=True)])


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


@pytest.mark.parametrize("sticking", [False, True])
def test_unbiased_on_the_normal_model(sticking: bool) -> None:
    """400 repetitions for each of six guides: rms z in [.8, 1.2], max |z| < 4."""
    z = []
    for seed in range(3):
        for kind in (AutoNormal, AutoMultivariateNormal):
            guide = started(kind, chain(), seed)
            z.append(scores(guide, chain(), elbo_of_chain(guide), seed, sticking_the_landing=sticking))
    every = np.concatenate(z)
    assert np.abs(every).max() < 4 and 0.8 < np.sqrt(np.mean(every**2)) < 1.2, every


def test_unbiased_on_constrained_supports() -> None:
    """The same against quadrature, with an interval whose ends depend on another choice, and on the simplex."""
    z = []
    for seed in range(2):
        guide = started(AutoMultivariateNormal, supports(), seed)
        elbo = elbo_by_quadrature(guide, weight_of_supports, ["s", "w", "g"], 3, 24)
        z.append(scores(guide, supports(), elbo, seed))
        for kind in (AutoNormal, AutoMultivariateNormal):
            guide = started(kind, simplex(), seed)
            z.append(scores(guide, simplex(), elbo_by_quadrature(guide, weight_of_simplex, ["q[2]"], 2, 40), seed))
    every = np.concatenate(z)
    assert np.abs(every).max() < 4 and 0.8 < np.sqrt(np.mean(every**2)) < 1.2, every


def test_dropping_log_q_is_caught() -> None:
    guide = started(AutoMultivariateNormal, chain(), 0)
    assert np.abs(scores(guide, chain(), elbo_of_chain(guide), 0, b=0.0)).max() > 8


def test_dropping_log_det_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = path_module.log_density

    def mutant(*given: Any) -> Any:
        x, log_p, _ = right(*given)
        return x, log_p, 0.0

    monkeypatch.setattr(path_module, "log_density", mutant)
    path_module.path.cache_clear()
    guide = started(AutoNormal, supports(), 0)
    elbo = elbo_by_quadrature(guide, weight_of_supports, ["s", "w", "g"], 3, 24)
    try:
        assert np.abs(scores(guide, supports(), elbo, 0)).max() > 8
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


def test_executions_of_many_structures_share_calls() -> None:
    """A batch of executions has the gradient that is the sum of those of its members, and one compiled function for
    each layout."""
    guide = started(AutoMultivariateNormal, walk(), 3)
    guide.initialise(seed=5, executions=40)
    particles = draw(guide, walk(), 24, seed=2)
    traces: Any = [p.trace for p in particles]
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=24), rng.normal(size=24)
    path_module.path.cache_clear()
    (whole,) = path_gradient(guide, traces, a, b).values()
    lengths = {len(t.choices()) for t in traces}
    assert len(lengths) >= 3 and path_module.path.cache_info().currsize == len(lengths)
    (first, *rest) = [path_gradient(guide, [t], a[k : k + 1], b[k : k + 1])[guide.name] for k, t in enumerate(traces)]
    for other in rest:
        first = jax.tree.map(np.add, first, other)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=2e-3, atol=2e-3), whole, first)


@program
async def walk() -> Any:
    """As many steps as a die says."""
    n = await sample(dist.Categorical(probs=np.array([0.3, 0.3, 0.4])), "n")
    x = 0.0
    for _ in range(int(n) + 1):
        x = await sample(dist.Normal(x, 1.0), "x")
    await observe(dist.Normal(x, 0.5), 1.0)
    return x


def test_choices_left_to_the_program_need_their_score() -> None:
    """z | x drawn from the program: the gradient of E[log p - log q] needs log p(z | x) in log q, and its score, both as
    `more`. Against quadrature over x and both z; without `more` it is off."""
    guide = started(AutoNormal, switch(), 1)

    def elbo(flat: Any) -> Any:
        z, w = gauss_hermite(60, 1)
        x = flat["loc"][0] + jax.nn.softplus(flat["raw_scale"][0]) * z[:, 0]
        on = jax.nn.sigmoid(x)
        log_x = -0.5 * x * x / 4 - math.log(2) - 0.5 * math.log(2 * math.pi)
        gain = [jax.scipy.stats.norm.logpdf(1.0, loc=c * 2.0 - x, scale=0.8) for c in (0.0, 1.0)]
        entropy = jnp.log(jax.nn.softplus(flat["raw_scale"][0])) + 0.5 * (1 + math.log(2 * math.pi))
        return w @ (log_x + (1 - on) * gain[0] + on * gain[1]) + entropy

    exact = jax.grad(elbo)(guide.flat)
    particles = draw(guide, switch(), 1600, 0)
    one, right, wrong = np.ones(4), [], []
    for r in range(400):
        those = particles[4 * r : 4 * r + 4]
        traces: Any = [p.trace for p in those]
        gaps = np.array([t.log_joint for t in traces]) - [log_q(p) for p in those]
        more: Any = [{("c", 0): gap - 1.0} for gap in gaps]
        right.append(path_gradient(guide, traces, one / 4, -one / 4, more=[{k: v / 4 for k, v in m.items()} for m in more]))
        wrong.append(path_gradient(guide, traces, one / 4, -one / 4))
    for part in guide.parts:
        columns = [np.array([g["AutoNormal"][part]["x"] for g in those]) for those in (right, wrong)]
        assert abs(z_score(columns[0], float(exact[part][0]))) < 4
        assert abs(z_score(columns[1], float(exact[part][0]))) > 5


@program
async def switch() -> Any:
    x = await sample(dist.Normal(0.0, 2.0), "x")
    c = await sample(dist.Bernoulli(logits=x), "c")
    await observe(dist.Normal(2.0 * c - x, 0.8), 1.0)
    return c


def test_a_branch_on_the_number_is_refused() -> None:
    """What needs a continuous choice as a number has no gradient along the path."""

    @program
    async def branching() -> Any:
        x = await sample(dist.Normal(0.0, 1.0), "x")
        await condition(True)
        await factor(1.0 if x > 0 else 0.0)

    guide = AutoNormal(branching())
    (p,) = draw(guide, branching(), 1)
    with pytest.raises(TracedControlFlow, match="'x'"):
        path_gradient(guide, [p.trace], np.ones(1), np.ones(1))  # type: ignore[list-item]
