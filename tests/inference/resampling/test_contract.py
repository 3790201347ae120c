"""Every resampler: n children, in range, sorted, none of a weightless parent, the same for the same key."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from resampling_laws import Fixed

from steersman.inference.resampling import RESAMPLERS, Ancestry, get_resampler
from steersman.ppl.keys import Key
from steersman.ppl.protocols import Floats

NAMES = sorted(RESAMPLERS)
SIZES = st.one_of(
    st.floats(1e-6, 1.0), st.just(0.0), st.sampled_from([1e-300, 5e-324, 1e-17, 1e-12, 1.0, 0.1, 1 / 3, 1 / 49])
)


@st.composite
def weights(draw: st.DrawFn) -> Floats:
    """Normalised weights with exact zeros at both ends, subnormals, ties and near-whole shares."""
    middle = draw(st.lists(SIZES, min_size=1, max_size=20))
    if not any(w > 1e-7 for w in middle):
        middle[0] = 1.0
    ends = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    W: Floats = np.array([0.0] * ends[0] + middle + [0.0] * ends[1])
    W /= W.sum()
    return W


def check(ancestry: Ancestry, W: Floats, n: int) -> None:
    assert ancestry.index.shape == ancestry.weights.shape == (n,)
    assert ancestry.index.dtype == np.int64 and ancestry.weights.dtype == np.float64
    assert ancestry.index.min() >= 0 and ancestry.index.max() < len(W)
    assert (np.diff(ancestry.index) >= 0).all()
    assert (W[ancestry.index] > 0).all() and (ancestry.weights > 0).all()
    assert ancestry.resampled


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(W=weights(), n=st.integers(1, 40), seed=st.integers(0, 2**32))
def test_children(name: str, W: Floats, n: int, seed: int) -> None:
    n = len(W) if name == "killing" else n
    resample = get_resampler(name)
    check(resample(W, n, Key(seed)), W, n)
    for u in (2.0**-54, 0.5, 1.0 - 2.0**-53, 1.0):
        check(resample(W, n, Fixed(u)), W, n)


@pytest.mark.parametrize("name", NAMES)
def test_a_function_of_the_key(name: str) -> None:
    W = np.random.default_rng(0).dirichlet(np.ones(32))
    resample = get_resampler(name)
    n = 32 if name == "killing" else 20
    first, again = resample(W, n, Key(3)), resample(W.copy(), n, Key(3))
    assert (first.index == again.index).all() and (first.weights == again.weights).all()
    assert len({resample(W, n, Key(s)).index.tobytes() for s in range(20)}) > 1


@pytest.mark.parametrize("name", NAMES)
def test_one_parent_takes_all(name: str) -> None:
    W = np.array([0.0, 0.0, 1.0, 0.0])
    assert get_resampler(name)(W, 4, Key(0)).index.tolist() == [2] * 4


@pytest.mark.parametrize("name", ["killing", "optimal", "residual", "ssp", "stratified", "systematic"])
@pytest.mark.parametrize("N", [1, 2, 49, 98, 103, 107, 161])  # N * (1 / N) < 1 from 49 on, for these
def test_equal_weights_keep_everybody(name: str, N: int) -> None:
    for seed in range(5):
        assert get_resampler(name)(np.full(N, 1 / N), N, Key(seed)).index.tolist() == list(range(N))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("W", "n", "message"),
    [
        (np.zeros(3), 3, "all 3 weights are zero"),
        (np.array([0.5, np.nan, 0.5]), 3, "sum to 1"),
        (np.array([1.5, -0.5]), 2, "at least 0"),
        (np.array([0.2, 0.2]), 2, "sum to 1"),
        (np.array([]), 2, "shape"),
        (np.ones((1, 1)), 1, "shape"),
        (np.array([1.0]), 0, "0 children"),
    ],
)
def test_bad_arguments(name: str, W: Floats, n: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        get_resampler(name)(W, n, Key(0))
