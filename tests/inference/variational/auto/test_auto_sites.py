"""What an automatic guide proposes at a site is a distribution: its density integrates to one and is that of its draws,
whatever the support, alone or given other sites."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from guided_draws import chain, draw, simplex, supports

from steersman.inference.testing.quadrature import half_line, real_line
from steersman.inference.testing.report import z_score
from steersman.inference.variational.auto import AutoMultivariateNormal, AutoNormal, transport
from steersman.ppl import Key, dist

X = ("x", 0)


def interval(low: float, high: float) -> tuple[Any, Any]:
    """In t = logit x, so that the ends are resolved."""
    t = np.linspace(-14, 14, 801)
    x = 1 / (1 + np.exp(-t))
    return low + (high - low) * x, (high - low) * x * (1 - x) * (t[1] - t[0])


SCALARS = [
    (dist.Normal(0.3, 2.0), real_line()),
    (dist.StudentT(3.0, 0.0, 1.0), real_line()),
    (dist.HalfNormal(2.0), half_line(nodes=401)),
    (dist.Gamma(2.0, 3.0), half_line(nodes=401)),
    (dist.Exponential(0.7), half_line(nodes=401)),
    (dist.Beta(2.0, 3.0), interval(0.0, 1.0)),
    (dist.Uniform(-1.0, 4.0), interval(-1.0, 4.0)),
    (dist.TruncatedNormal(0.0, 1.0, low=-0.5), (half_line(nodes=401)[0] - 0.5, half_line(nodes=401)[1])),
]


def wide(guide: Any, distribution: Any) -> Any:
    """The proposal at a site, with a scale that is not the initial one."""
    site = guide.at(X, distribution, {})
    guide.params = guide.params | {"raw_scale": {k: np.full_like(v, 0.4) for k, v in guide.params["raw_scale"].items()}}
    return site


@pytest.fixture
def without_log_det(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The mutant that forgets log |det dx/du|."""
    right = transport.from_reals
    transport._program.cache_clear()
    monkeypatch.setattr(transport, "from_reals", lambda family, u, *leaves: (right(family, u, *leaves)[0], 0.0))
    yield
    transport._program.cache_clear()


@pytest.mark.parametrize("kind", [AutoNormal, AutoMultivariateNormal])
@pytest.mark.parametrize(("distribution", "axis"), SCALARS, ids=lambda x: repr(x)[:20])
def test_scalar_normalises(kind: Any, distribution: Any, axis: Any) -> None:
    """int q(x) dx = 1."""
    site, (x, w) = wide(kind(chain()), distribution), axis
    log_q = site.log_prob([site] * len(x), x.tolist())
    assert float(np.exp(log_q) @ w) == pytest.approx(1.0, abs=2e-4)


@pytest.mark.usefixtures("without_log_det")
def test_quadrature_catches_a_missing_log_det() -> None:
    """The mutant must not pass the test above."""
    for distribution, (x, w) in SCALARS[2:7]:
        site = wide(AutoNormal(chain()), distribution)
        assert abs(float(np.exp(site.log_prob([site] * len(x), x.tolist())) @ w) - 1.0) > 0.02


def test_simplex_normalises() -> None:
    """int q(p) dp_1 dp_2 = 1 over the simplex of three probabilities."""
    site = wide(AutoNormal(simplex()), dist.Dirichlet(np.array([1.0, 2.0, 1.5])))
    first, w1 = interval(0.0, 1.0)
    first, w1 = first[::8], w1[::8] * 8
    p1, share = np.meshgrid(first, first, indexing="ij")
    p2 = (1 - p1) * share
    values = np.stack([p1, p2, 1 - p1 - p2], -1).reshape(-1, 3)
    area = (w1[:, None] * w1[None, :] * (1 - p1)).ravel()
    inside = values[:, 2] > 0
    log_q = site.log_prob([site] * int(inside.sum()), list(values[inside]))
    assert float(np.exp(log_q) @ area[inside]) == pytest.approx(1.0, abs=5e-3)


def test_outside_the_support_is_impossible() -> None:
    site = wide(AutoNormal(chain()), dist.Uniform(-1.0, 4.0))
    assert np.isneginf(site.log_prob([site] * 4, [-1.5, 4.5, np.nan, np.inf])).all()


@pytest.mark.parametrize("kind", [AutoNormal, AutoMultivariateNormal])
def test_draws_have_the_density(kind: Any) -> None:
    """E[f(x)] of draws is int f(x) q(x) dx, for three f; log q of a draw is log_prob of its value."""
    for distribution, (x, w) in (SCALARS[0], SCALARS[3], SCALARS[6]):
        site = wide(kind(chain()), distribution)
        values, log_q = site.draw([site] * 4000, Key(3).split(np.arange(4000)))
        np.testing.assert_array_equal(log_q, site.log_prob([site] * 4000, values))
        q = np.exp(site.log_prob([site] * len(x), x.tolist())) * w
        for f in (lambda v: v, lambda v: np.tanh(v - 1.0) ** 2, np.tanh):
            assert abs(z_score(f(np.array(values)), float(f(x) @ q / q.sum()))) < 4


def test_a_group_is_drawn_like_its_members() -> None:
    """Sites with other parameters and other supports share a call, and each gets what it gets alone."""
    guide = AutoNormal(chain())
    sites = [guide.at((f"x{i}", 0), dist.Uniform(-float(i), 1.0 + i)) for i in range(1, 6)]
    keys = Key(1).split(np.arange(5))
    values, log_q = sites[0].draw(sites, keys)
    for i, site in enumerate(sites):
        alone, log_alone = site.draw([site], keys.at([i]))
        assert alone[0] == pytest.approx(values[i], rel=1e-6)
        assert log_alone[0] == pytest.approx(log_q[i], abs=1e-5)


def correlated(model: Any, seed: int = 0) -> AutoMultivariateNormal:
    """A guide of full rank with random parameters."""
    guide = AutoMultivariateNormal(model)
    guide.initialise()
    rng = np.random.default_rng(seed)
    guide.params = {
        "loc": {k: v + 0.3 * rng.normal(size=v.shape) for k, v in guide.params["loc"].items()},
        "raw_scale": {k: rng.normal(size=v.shape) for k, v in guide.params["raw_scale"].items()},
        "lower": {k: 1.5 * rng.normal(size=v.shape) for k, v in guide.params["lower"].items()},
    }
    return guide


def test_conditionals_multiply_to_the_joint() -> None:
    """The densities of the sites of an execution, each given those before it, sum to log N(u; m, L L') - log |det|."""
    guide = correlated(chain())
    flat = guide.flat
    scale = np.log1p(np.exp(flat["raw_scale"][:2]))
    L = scale[:, None] * np.tril(flat["lower"][:2, :2], -1) + np.diag(scale)
    assert abs(L[1, 0]) > 0.05
    order = list(guide.params["loc"])
    for p in draw(guide, chain(), 20):
        sites = p.trace.choice_sites()  # type: ignore[union-attr]
        u = np.array([sites[(k, 0)].value for k in order])
        r = np.linalg.solve(L, u - flat["loc"][:2])
        expected = -0.5 * r @ r - np.log(np.diag(L)).sum() - np.log(2 * np.pi)
        assert sum(s.log_q for s in sites.values()) == pytest.approx(expected, abs=1e-4)


def test_conditionals_do_not_depend_on_the_order() -> None:
    """q(x) q(y | x) = q(y) q(x | y)."""
    guide = correlated(chain())
    dx, dy = dist.Normal(0.0, 2.0), dist.Normal(0.1, 1.0)
    for x, y in [(0.3, -1.0), (2.0, 0.5)]:
        def log_q(address: Any, d: Any, value: float, chosen: Any) -> float:
            site: Any = guide.at(address, d, chosen)
            return float(site.log_prob([site], [value])[0])

        one = log_q(("x", 0), dx, x, {}) + log_q(("y", 0), dy, y, {("x", 0): (dx, x)})
        other = log_q(("y", 0), dy, y, {}) + log_q(("x", 0), dx, x, {("y", 0): (dy, y)})
        assert one == pytest.approx(other, abs=1e-5)


def test_conditional_normalises() -> None:
    """int q(w | s) dw = 1 where the support of w depends on s."""
    guide = correlated(supports())
    for s in (0.4, 1.7):
        ds, dw = dist.HalfNormal(1.5), dist.Uniform(-s, 1.0 + s * s)
        site: Any = guide.at(("w", 0), dw, {("s", 0): (ds, s)})
        w, weights = interval(-s, 1.0 + s * s)
        assert float(np.exp(site.log_prob([site] * len(w), w.tolist())) @ weights) == pytest.approx(1.0, abs=2e-3)


def test_a_missing_site_leaves_the_marginal() -> None:
    """Without x, y is drawn from its marginal: mean m_y and variance sum_j L_yj^2."""
    guide = correlated(chain())
    site: Any = guide.at(("y", 0), dist.Normal(0.0, 1.0), {})
    loc, scale = guide.moments([site])
    row = guide._whole()[guide.rows_of("y")][0]
    assert loc[0, 0] == pytest.approx(guide.params["loc"]["y"], abs=1e-6)
    assert scale[0, 0, 0] ** 2 == pytest.approx(row @ row, rel=1e-6)


def test_score_is_the_gradient_of_the_density() -> None:
    """`gradient` against central differences of log q in every parameter."""
    for kind in (AutoNormal, AutoMultivariateNormal):
        guide = kind(supports()) if kind is AutoNormal else correlated(supports(), 2)
        guide.initialise()
        particles = draw(guide, supports(), 3, seed=4)
        members, values = [], []
        for p in particles:
            s = p.trace["s"]  # type: ignore[index]
            dists = {"s": dist.HalfNormal(1.5), "w": dist.Uniform(-s, 1.0 + s * s), "g": dist.Gamma(2.0, 1.0 + s)}
            chosen: dict[Any, Any] = {}
            for name, d in dists.items():
                members.append(guide.at((name, 0), d, dict(chosen)))
                values.append(p.trace[name])  # type: ignore[index]
                chosen[name, 0] = d, values[-1]
        weights = np.random.default_rng(0).normal(size=len(members))

        def total(params: Any, guide: Any = guide, members: Any = members, values: Any = values,
                  weights: Any = weights) -> float:
            guide.params = params
            return float(weights @ np.concatenate([m.log_prob([m], [v]) for m, v in zip(members, values, strict=True)]))

        before = {part: {k: v.copy() for k, v in row.items()} for part, row in guide.params.items()}
        found = guide.gradient(members, values, weights)
        h = 1e-2
        for part in guide.parts:
            for key, value in before[part].items():
                for index in np.ndindex(value.shape):
                    ends = []
                    for sign in (1, -1):
                        moved = {p: {k: v.copy() for k, v in row.items()} for p, row in before.items()}
                        moved[part][key][index] += sign * h
                        ends.append(total(moved))
                    slope = (ends[0] - ends[1]) / (2 * h)
                    assert found[part][key][index] == pytest.approx(slope, rel=2e-2, abs=2e-2), (part, key)
        guide.params = before


def test_vectors_keep_their_shape() -> None:
    """A site with values of a shape has parameters of the shape of its real numbers, and draws read-only arrays."""
    guide = AutoNormal(chain())
    site: Any = guide.at(("v", 0), dist.Normal(jnp.zeros((2, 3)), 1.0))
    values, log_q = site.draw([site] * 2, Key(0).split([0, 1]))
    assert guide.params["loc"]["v[2, 3]"].shape == (2, 3) == values[0].shape
    assert not values[0].flags.writeable and np.isfinite(log_q).all()
    with pytest.raises(ValueError, match="shape"):
        site.log_prob([site], [np.zeros(3)])
