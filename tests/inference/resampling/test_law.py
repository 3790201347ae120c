"""E[sum_j weights_j 1{index_j = i}] = W_i for every resampler, and for no mutant."""

from __future__ import annotations

import numpy as np
import pytest
from resampling_laws import LIMIT, Fixed, exact_mean, worst_z

from steersman.inference.resampling import RESAMPLERS, Ancestry, get_resampler, optimal
from steersman.inference.resampling.ancestry import equal_weights
from steersman.ppl.keys import Key
from steersman.ppl.protocols import Floats

WEIGHTS = {
    "equal": np.full(7, 1 / 7),
    "geometric": 0.5 ** np.arange(1, 7) / (1 - 0.5**6),
    "zeros": np.array([0.0, 0.0, 0.31, 0.0, 0.12, 0.07, 0.5, 0.0]),
    "one heavy": np.array([0.02, 0.03, 0.9, 0.01, 0.04]),
    "many": np.random.default_rng(5).dirichlet(np.full(16, 2.0)),
}
TENTHS = np.array([0.0, 0.3, 0.1, 0.0, 0.4, 0.2, 0.0])


@pytest.mark.parametrize("name", ["multinomial", "stratified", "systematic"])
@pytest.mark.parametrize("n", [1, 3, 7, 12])
def test_exactly_unbiased(name: str, n: int) -> None:
    # children are cut at whole multiples of 1/10, so midpoints of 40 cells integrate over the uniform exactly
    assert exact_mean(get_resampler(name), TENTHS, n, 40) == pytest.approx(TENTHS, abs=1e-12)


def test_optimal_is_exactly_unbiased() -> None:
    W = np.array([0.1, 0.5, 0.0, 0.2, 0.1, 0.1])  # threshold 1/4: chances .4 1 0 .8 .4 .4
    assert exact_mean(optimal, W, 3, 40) == pytest.approx(W, abs=1e-12)


@pytest.mark.parametrize("name", sorted(RESAMPLERS))
@pytest.mark.parametrize("weights", WEIGHTS)
def test_unbiased(name: str, weights: str) -> None:
    W = WEIGHTS[weights]
    for n in (len(W),) if name == "killing" else (3, len(W), 2 * len(W) + 1):
        assert worst_z(get_resampler(name), W, n, 1000) < LIMIT


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(RESAMPLERS))
@pytest.mark.parametrize("weights", WEIGHTS)
def test_unbiased_closely(name: str, weights: str) -> None:
    W = WEIGHTS[weights]
    for n in (len(W),) if name == "killing" else (2, len(W), 2 * len(W) + 1):
        assert worst_z(get_resampler(name), W, n, 20_000, seed=1) < LIMIT


def floor_of_cumulative(W: Floats, n: int, key: Key) -> Ancestry:
    ends = np.floor(np.cumsum(W) * n + 1e-9).astype(int)
    return equal_weights(np.arange(len(W)).repeat(np.diff(ends, prepend=0)))


def ceiling_from_the_top(W: Floats, n: int, key: Key) -> Ancestry:
    """REBASE: the heaviest first, each its share rounded up, until nobody is left to place."""
    given = np.zeros(len(W), int)
    for i in np.argsort(-W):
        given[i] = min(np.ceil(W[i] * n), n - given.sum())
    return equal_weights(np.arange(len(W)).repeat(given))


def ranks_for_indices(W: Floats, n: int, key: Key) -> Ancestry:
    return get_resampler("systematic")(np.sort(W)[::-1], n, key)


def optimal_made_uniform(W: Floats, n: int, key: Key) -> Ancestry:
    return equal_weights(optimal(W, n, key).index)


def heaviest(W: Floats, n: int, key: Key) -> Ancestry:
    return equal_weights(np.sort(np.argsort(-W)[:n]))


@pytest.mark.parametrize(
    "mutant", [floor_of_cumulative, ceiling_from_the_top, ranks_for_indices, optimal_made_uniform, heaviest]
)
def test_the_law_rejects(mutant) -> None:  # type: ignore[no-untyped-def]
    assert worst_z(mutant, WEIGHTS["many"], 8, 1000) > LIMIT


def test_the_exact_law_rejects_a_comb_without_offset() -> None:
    resample = get_resampler("systematic")
    assert exact_mean(lambda W, n, key: resample(W, n, Fixed(0.5)), TENTHS, 7, 40) != pytest.approx(TENTHS, abs=1e-3)
