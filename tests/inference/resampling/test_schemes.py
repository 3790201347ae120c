"""What sets the schemes apart: variances, negative association, survival, and what optimal resampling optimises."""

from __future__ import annotations

import numpy as np
import pytest
from resampling_laws import LIMIT, counts

from steersman.inference.resampling import RESAMPLERS, get_resampler, killing, optimal, residual, ssp, systematic
from steersman.inference.resampling.counting import whole_and_rest
from steersman.inference.resampling.weights import ess
from steersman.ppl.keys import Key
from steersman.ppl.protocols import Floats

W = np.random.default_rng(11).dirichlet(np.full(12, 0.8))
n = 12
RUNS = 4000


def total_variance(name: str) -> float:
    return float(counts(get_resampler(name), W, n, RUNS).var(0).sum())


def test_order_of_variances() -> None:
    v = {name: total_variance(name) for name in RESAMPLERS if name != "optimal"}
    rest = n * W - np.floor(n * W)
    least, most = float(rest @ (1 - rest)), float(n * W @ (1 - W))
    assert v["ssp"] == pytest.approx(least, rel=0.05) and v["systematic"] == pytest.approx(least, rel=0.05)
    assert v["multinomial"] == pytest.approx(most, rel=0.05)
    assert v["ssp"] < v["residual"] < v["multinomial"]
    assert v["stratified"] < v["multinomial"] and v["killing"] < v["multinomial"]


@pytest.mark.parametrize("resample", [ssp, systematic])
def test_floor_or_one_more(resample) -> None:  # type: ignore[no-untyped-def]
    extra = counts(resample, W, n, 500) - np.floor(n * W)
    assert ((extra == 0) | (extra == 1)).all()


def test_residual_grants_the_whole_part() -> None:
    assert (counts(residual, W, n, 500) >= np.floor(n * W)).all()


def test_ssp_counts_are_negatively_correlated() -> None:
    N = counts(ssp, W, n, RUNS)
    deviations = N - N.mean(0)
    products = deviations[:, :, None] * deviations[:, None, :]
    z = products.mean(0) / (products.std(0) / np.sqrt(RUNS) + 1e-15)
    assert z[~np.eye(n, dtype=bool)].max() < LIMIT


def ssp_by_matches(rest: Floats, u: Floats) -> list[int]:
    """The process match by match: who is rounded up. The carrier and the newcomer keep their expectations."""
    up, carrier, total = [], 0, float(rest[0])
    for k in range(1, len(rest)):
        b, s = float(rest[k]), total % 1 + float(rest[k])
        level, total = np.floor(total), total + b
        if np.floor(total) == level:  # s < 1, judged on the total so that both round alike in the last match, s = 1
            wins = u[k] < b / s
        else:
            wins = u[k] < (1 - b) / (2 - s)
            up.append(carrier if wins else k)
        carrier = k if wins else carrier
    return sorted(up + [carrier] * (total % 1 > 0.5))


def test_ssp_decides_all_matches_at_once() -> None:
    for seed in range(300):
        V = np.random.default_rng(seed).dirichlet(np.ones(9))
        whole, rest, _ = whole_and_rest(V, 9)
        expected = ssp_by_matches(rest, Key(seed).uniforms(9))
        up = np.bincount(ssp(V, 9, Key(seed)).index, minlength=9) - whole
        assert np.flatnonzero(up).tolist() == expected


def test_killing_spares_the_heaviest_and_refuses_other_sizes() -> None:
    assert (counts(killing, W, n, 200)[:, W.argmax()] >= 1).all()
    with pytest.raises(ValueError, match="as many children as parents"):
        killing(W, 5, Key(0))


def test_optimal_keeps_heavy_parents_and_draws_the_rest_at_the_threshold() -> None:
    V = np.random.default_rng(2).dirichlet(np.full(64, 0.3))
    squares = set()
    for seed in range(50):
        ancestry = optimal(V, 16, Key(seed))
        threshold = ancestry.weights.min()
        kept = V[ancestry.index] >= threshold
        assert np.minimum(V / threshold, 1).sum() == pytest.approx(16, abs=1e-9)
        assert len(np.unique(ancestry.index)) == 16
        assert set(np.flatnonzero(threshold <= V)) <= set(ancestry.index.tolist())
        assert (ancestry.weights[kept] == V[ancestry.index[kept]]).all()
        assert (ancestry.weights[~kept] == threshold).all()
        squares.add(round(float((ancestry.weights**2).sum()), 12))
    assert len(squares) == 1  # kept W^2 summed, plus (n - kept) / c^2: the same in every draw
    assert ess(ancestry.weights) > ess(np.sort(V)[-16:])


def test_optimal_has_the_least_error_of_the_weights() -> None:
    V = np.random.default_rng(4).dirichlet(np.full(40, 0.5))

    def error(name: str) -> float:
        resample = get_resampler(name)
        draws = (resample(V, 10, Key(s)) for s in range(400))
        received = np.stack([np.bincount(a.index, weights=a.weights, minlength=40) for a in draws])
        return float(((received - V) ** 2).sum(1).mean())

    assert error("optimal") < min(error("ssp"), error("residual"), error("systematic"))


@pytest.mark.parametrize(
    ("V", "n", "index", "weights"),
    [
        ([0.0, 0.6, 0.4, 0.0], 2, [1, 2], [0.6, 0.4]),
        ([0.0, 0.6, 0.4, 0.0], 3, [1, 1, 2], [0.3, 0.3, 0.4]),
        ([0.9, 0.1], 4, [0, 0, 0, 1], [0.3, 0.3, 0.3, 0.1]),
        ([0.25, 0.0, 0.5, 0.25], 6, [0, 2, 2, 2, 2, 3], None),
        ([1.0], 3, [0, 0, 0], [1 / 3] * 3),
    ],
)
def test_optimal_splits_the_heaviest_when_parents_are_few(
    V: list[float], n: int, index: list[int], weights: list[float] | None
) -> None:
    ancestry = optimal(np.array(V), n, Key(0))
    received = np.bincount(ancestry.index, weights=ancestry.weights, minlength=len(V))
    assert received == pytest.approx(V, abs=1e-15) and len(ancestry) == n
    if weights is not None:
        assert ancestry.index.tolist() == index and ancestry.weights == pytest.approx(weights)


def test_splitting_leaves_nobody_heavier_than_need_be() -> None:
    for seed in range(200):
        rng = np.random.default_rng(seed)
        V = rng.dirichlet(np.full(10, 0.4))
        n = int(rng.integers(11, 60))
        best = np.ones(10)
        for _ in range(n - 10):
            best[(V / best).argmax()] += 1
        assert optimal(V, n, Key(0)).weights.max() <= 1.5 * (V / best).max() + 1e-12
