"""The registry, adaptivity, and slots kept in place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from resampling_laws import LIMIT, received

from steersman.inference.resampling import (
    RESAMPLERS,
    Ancestry,
    adaptive,
    get_resampler,
    in_place,
    multinomial,
    resampler,
)
from steersman.inference.resampling.weights import ess
from steersman.ppl.keys import Key
from steersman.ppl.protocols import Floats

W = np.array([0.4, 0.3, 0.2, 0.1])


def test_registry() -> None:
    assert set(RESAMPLERS) == {
        "multinomial", "stratified", "systematic", "residual", "ssp", "killing", "optimal",
    }  # fmt: skip
    assert get_resampler("multinomial") is multinomial
    assert get_resampler(multinomial) is multinomial
    with pytest.raises(ValueError, match="unknown resampler 'sytematic'; choose from killing, multinomial, optimal"):
        get_resampler("sytematic")


def test_one_can_add_a_resampler() -> None:
    try:

        @resampler("first")
        def first(W: Floats, n: int, key: Key, /) -> Ancestry:
            """All children to the first parent."""
            return Ancestry(np.zeros(n, np.int64), np.full(n, 1 / n))

        assert get_resampler("first")(W, 2, Key(0)).index.tolist() == [0, 0]
        assert first.__doc__ == "All children to the first parent."
    finally:
        del RESAMPLERS["first"]


def test_adaptive_keeps_the_population_and_its_weights_while_ess_is_high() -> None:
    share = ess(W) / 4
    kept = adaptive("ssp", share - 0.01)(W, 4, Key(0))
    assert kept.index.tolist() == [0, 1, 2, 3] and (kept.weights == W).all() and not kept.resampled
    drawn = adaptive("ssp", share + 0.01)(W, 4, Key(0))
    assert drawn.resampled and (drawn.weights == 0.25).all()


def test_adaptive_edges() -> None:
    point, equal = np.array([1.0, 0.0]), np.full(49, 1 / 49)
    assert not adaptive("ssp", 0.0)(point, 2, Key(0)).resampled
    assert adaptive("ssp", 1.0)(equal, 49, Key(0)).resampled
    assert not adaptive("ssp", 0.999)(equal, 49, Key(0)).resampled
    assert adaptive("ssp", 0.0)(W, 3, Key(0)).resampled  # another size
    assert adaptive(multinomial, 2.0)(W, 4, Key(0)).resampled
    for threshold in (-0.1, float("nan")):
        with pytest.raises(ValueError, match="threshold"):
            adaptive("ssp", threshold)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=15))
def test_in_place_moves_as_few_slots_as_possible(parents: list[int]) -> None:
    index = np.sort(np.array(parents))
    placed = in_place(index, 10)
    assert sorted(placed.tolist()) == index.tolist()
    n = len(index)
    assert set(np.flatnonzero(placed == np.arange(n))) == {i for i in parents if i < n}


def test_in_place_carries_the_weights_along() -> None:
    ancestry = get_resampler("optimal")(np.array([0.05, 0.0, 0.8, 0.15]), 4, Key(0))
    placed = ancestry.in_place(4)
    assert placed.index.tolist() == [0, 2, 2, 3]
    assert received(placed, 4) == pytest.approx([0.05, 0.0, 0.8, 0.15])
    with pytest.raises(ValueError, match="3 parents"):
        ancestry.in_place(3)


def test_adaptive_law() -> None:
    """Weights carried through adaptive steps keep every expectation: two steps with reweighting in between."""
    G = np.array([0.1, 2.0, 0.5, 1.0])
    estimates = []
    resample = adaptive("ssp", 0.8)
    for r in range(4000):
        key = Key(7).fold(r)
        a = resample(W, 4, key.fold(0))
        w = a.weights * G[a.index]
        b = resample(w / w.sum(), 4, key.fold(1))
        estimates.append(float(w.sum() * b.weights @ (a.index[b.index] == 1)))
    z = (np.mean(estimates) - W[1] * G[1]) / (np.std(estimates) / np.sqrt(len(estimates)))
    assert abs(z) < LIMIT
