"""S057: the worst-case combination is the saddle point of its game, found again by brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import logsumexp, softmax

from steersman.models import Reward, ensemble, worst_case


def payoff(V: np.ndarray, lam: float, log_p: np.ndarray, pi: np.ndarray) -> float:
    """min_g lam E_pi V_g - KL(pi, p): what a policy is worth."""
    kl = float(np.sum(np.where(pi > 0, pi * (np.log(np.maximum(pi, 1e-300)) - log_p), 0.0)))
    return lam * float((V @ pi).min()) - kl


@pytest.mark.parametrize(("G", "K", "lam", "seed"), [(2, 6, 1.0, 0), (2, 12, 5.0, 1), (3, 8, 2.0, 2), (3, 8, 30.0, 3)])
def test_saddle_point(G: int, K: int, lam: float, seed: int) -> None:
    """Law: log Z at the weights is the least over a fine grid of the simplex; the policy of the tilt is worth exactly
    that much, and no other policy (tilts by other weights, and random ones, are tried) is worth more."""
    rng = np.random.default_rng(seed)
    V, log_p = rng.normal(size=(G, K)), np.log(softmax(rng.normal(size=K)))
    found = worst_case(V, lam, log_p)
    assert found.weights.sum() == pytest.approx(1) and (found.weights >= 0).all()
    grid = rng.dirichlet(np.ones(G), 20_000)
    grid = np.concatenate([grid, np.eye(G), 0.999 * found.weights + 0.001 * grid[:500]])
    log_z = logsumexp(log_p + lam * grid @ V, axis=1)
    assert found.value <= log_z.min() + 1e-9 and found.value == pytest.approx(log_z.min(), abs=2e-3 * lam)
    pi = np.exp(log_p + found.log_tilt)
    assert pi.sum() == pytest.approx(1)
    assert payoff(V, lam, log_p, pi) == pytest.approx(found.value, abs=1e-6)
    for other in [*np.exp(log_p + lam * grid[::40] @ V - log_z[::40, None]), *rng.dirichlet(np.ones(K), 500)]:
        assert payoff(V, lam, log_p, other) <= found.value + 1e-9


def test_an_objective_that_is_never_worst_has_no_weight() -> None:
    """Law: complementary slackness. One objective above the other everywhere counts nothing: the tilt is by the other.
    Two that are opposed share the weight."""
    v = np.array([0.0, 1.0, 2.0])
    found = worst_case([v, v + 5.0], 2.0)
    np.testing.assert_allclose(found.weights, [1, 0], atol=1e-9)
    np.testing.assert_allclose(np.exp(found.log_tilt) / 3, softmax(2.0 * v), atol=1e-8)
    np.testing.assert_allclose(worst_case([v, -v], 3.0).weights, [0.5, 0.5], atol=0.5)
    np.testing.assert_allclose(worst_case([v, 2.0 - v], 3.0).weights, [0.5, 0.5], atol=1e-8)


def test_one_objective_is_a_tilt() -> None:
    """Law: with one objective the policy is p exp(lam V) / Z, and draws from the model count alike."""
    v = np.array([0.3, -1.0, 2.0])
    found = worst_case([v], 1.5)
    assert found.value == pytest.approx(logsumexp(1.5 * v) - math.log(3))
    np.testing.assert_allclose(np.exp(found.log_tilt), 3 * softmax(1.5 * v))


def test_large_values() -> None:
    """Law: gaps of thousands of nats do not overflow, and the balance is still found."""
    V = 1000.0 * np.array([[1.0, 0.0, 0.6], [0.0, 1.0, 0.6]])
    found = worst_case(V, 5.0)
    assert np.isfinite(found.log_tilt).all() and found.log_tilt[2] == pytest.approx(math.log(3))
    assert found.value == pytest.approx(3000 - math.log(3))


def test_ensembles() -> None:
    """Law: mean, least and weighted sum of the members, each asked once a batch; an item fails with any member."""
    asked: list[int] = []

    def member(scale: float) -> Reward:
        def score(items: list[tuple[float]]) -> list[float]:
            asked.append(len(items))
            return [math.nan if x == 13 else scale * x for (x,) in items]

        return Reward(score, name=f"x{scale:g}")

    one, two = member(1.0), member(-2.0)
    x = [1.0, 3.0, 13.0, 0.0]
    cases = (("mean", [-0.5, -1.5, np.nan, 0]), ("min", [-2, -6, np.nan, 0]), ([3.0, 1.0], [1, 3, np.nan, 0]))
    for how, expected in cases:
        asked.clear()
        np.testing.assert_allclose(ensemble([one, two], how).scores(x), expected)  # type: ignore[arg-type]
        assert asked == [4, 4]
    assert ensemble([one, two], "min").__name__ == "min of x1, x-2"
    for members, how, match in (([], "mean", "at least one"), ([one], [1.0, 2.0], "need 1 finite weights"),
                                ([one], "max", "'mean', 'min' or a list")):
        with pytest.raises(ValueError, match=match):
            ensemble(members, how)  # type: ignore[arg-type]


def test_bad_input() -> None:
    """One error each."""
    for values in ([1.0, 2.0], [], [[np.nan, 1.0]], [[]]):
        with pytest.raises(ValueError, match="finite values of at least one objective"):
            worst_case(values, 1.0)
    with pytest.raises(ValueError, match="lam is a positive number"):
        worst_case([[1.0]], 0.0)
    with pytest.raises(ValueError, match="2 candidates need 2 finite log_p"):
        worst_case([[1.0, 2.0]], 1.0, [0.0])
