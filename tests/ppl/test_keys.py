"""Randomness is a function of (seed, round, slot) and behaves like independent uniforms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from steersman.ppl import Key, Keys
from steersman.ppl.keys import _unit

seeds = st.integers(-(2**63), 2**64)
data = st.integers(-(2**63), 2**63 - 1)


@given(seeds, st.lists(data, min_size=1, max_size=6))
def test_vectorised_folds_equal_scalar_ones(seed: int, slots: list[int]) -> None:
    """split(d)[i] = fold(d[i]), fold of Keys = fold of each, uniforms and subsets alike."""
    key = Key(seed)
    keys = key.split(slots)
    assert [keys[i] for i in range(len(slots))] == [key.fold(d) for d in slots]
    assert keys.uniform().tolist() == [key.fold(d).uniform() for d in slots]
    folded = keys.fold(np.array(slots))
    assert [folded[i] for i in range(len(slots))] == [key.fold(d, d) for d in slots]
    assert [keys.fold(3)[i] for i in range(len(slots))] == [key.fold(d, 3) for d in slots]
    assert Keys.of([key.fold(d) for d in slots]).bits.tolist() == keys.bits.tolist()
    assert keys.at([len(slots) - 1])[0] == key.fold(slots[-1])


@given(seeds, data, data)
def test_folding_composes(seed: int, a: int, b: int) -> None:
    """fold(a, b) = fold(a).fold(b); equal keys are equal as keys."""
    assert Key(seed).fold(a, b) == Key(seed).fold(a).fold(b)
    assert hash(Key(seed)) == hash(Key(seed))
    assert Key(seed).fold(a).uniform() == Key(seed).fold(a).uniform()


def test_uniforms_are_inside_the_open_interval() -> None:
    """The largest integer does not round to 1 (a draw by inverse CDF would leave its table), nor the least to 0."""
    largest = (1 << 52) - 1
    assert 0 < _unit(0.0) < _unit(float(largest)) < 1
    assert _unit(np.array([0.0, float(largest)])).tolist() == [_unit(0.0), _unit(float(largest))]
    for total in (1.0, 1 + 2**-52, 1 - 2**-53, 0.5 + 2**-53):
        assert _unit(float(largest)) * total < total


def test_uniforms_are_uniform_over_slots_and_rounds() -> None:
    """Chi-square over 100 cells: along slots, along rounds, along seeds, and for n uniforms of one key."""
    n = 20_000
    streams = {
        "slots": Key(1).fold(0).split(np.arange(n)).uniform(),
        "rounds": np.array([Key(1).fold(r, 5).uniform() for r in range(n)]),
        "seeds": np.array([Key(s).uniform() for s in range(n)]),
        "one key": Key(7).uniforms(n),
    }
    for name, u in streams.items():
        counts = np.histogram(u, bins=100, range=(0, 1))[0]
        assert stats.chisquare(counts).pvalue > 1e-4, name


def test_neighbours_are_independent() -> None:
    """Chi-square over a 12 x 12 table of consecutive uniforms: next slot, next round, next seed."""
    n = 20_000
    slots = Key(3).fold(2).split(np.arange(n + 1)).uniform()
    pairs = {
        "slot": (slots[:-1], slots[1:]),
        "round": (Key(3).fold(2).split(np.arange(n)).uniform(), Key(3).fold(3).split(np.arange(n)).uniform()),
        "seed": (Key(3).fold(2).split(np.arange(n)).uniform(), Key(4).fold(2).split(np.arange(n)).uniform()),
        "draw and fold": (Key(3).split(np.arange(n)).uniform(), Key(3).split(np.arange(n)).fold(0).uniform()),
    }
    for name, (a, b) in pairs.items():
        table = np.histogram2d(a, b, bins=12, range=[[0, 1], [0, 1]])[0]
        assert stats.chisquare(table.ravel()).pvalue > 1e-4, name


def test_no_collisions_in_a_million_folds() -> None:
    """1000 rounds of 1000 slots are a million different keys."""
    bits = np.concatenate([Key(0).fold(r).split(np.arange(1000)).bits for r in range(1000)])
    assert len(np.unique(bits)) == 1_000_000


def test_library_generators_follow_the_key() -> None:
    """NumPy and JAX generators made from a key are functions of it."""
    import jax

    assert Key(1).generator().normal() == Key(1).generator().normal() != Key(2).generator().normal()
    one, many = Key(1).fold(4).jax(), Key(1).split([4, 5]).jax()
    assert float(jax.random.uniform(one)) == float(jax.random.uniform(many[0])) != float(jax.random.uniform(many[1]))


def test_no_global_state_is_touched() -> None:
    """Neither drawing nor folding moves Python's or NumPy's own generators."""
    import random

    before, mine = np.random.get_state()[1].tolist(), random.getstate()  # type: ignore[index]
    Key(1).split(np.arange(10)).uniform()
    Key(1).generator().normal()
    assert np.random.get_state()[1].tolist() == before and random.getstate() == mine  # type: ignore[index]


def test_repr_shows_the_key() -> None:
    """A key can be read in a log."""
    assert repr(Key(0)).startswith("Key(0x") and Key(0) != "key"
    with pytest.raises(TypeError):
        Key("seed")  # type: ignore[arg-type]
