"""Log-sum-exp, normalisation and effective sample size, with zero weights everywhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.inference.resampling.weights import ess, log_mean_exp, log_sum_exp, normalise

INF = math.inf


@given(st.lists(st.one_of(st.floats(-700, 700), st.just(-INF)), min_size=1, max_size=30))
def test_agree_with_exact_sums(lw: list[float]) -> None:
    top = max(lw)
    scaled = [math.exp(w - top) if w > -INF else 0.0 for w in lw]
    total = math.fsum(scaled)
    if top == -INF:
        assert log_sum_exp(lw) == log_mean_exp(lw) == -INF
        assert normalise(lw).tolist() == [0.0] * len(lw) and ess(log_weights=lw) == 0.0
        return
    assert log_sum_exp(lw) == pytest.approx(top + math.log(total), rel=1e-14, abs=1e-12)
    assert log_mean_exp(lw) == pytest.approx(top + math.log(total / len(lw)), rel=1e-14, abs=1e-12)
    assert normalise(lw) == pytest.approx([s / total for s in scaled], rel=1e-13)
    assert ess(log_weights=lw) == pytest.approx(total**2 / math.fsum(s * s for s in scaled), rel=1e-12)
    assert ess(normalise(lw)) == pytest.approx(ess(log_weights=lw), rel=1e-12)


def test_scale_does_not_matter() -> None:
    lw = np.array([-1.0, -2.0, -INF, 0.5])
    for shift in (-1e5, 1e5):
        assert log_sum_exp(lw + shift) == pytest.approx(log_sum_exp(lw) + shift)
        assert normalise(lw + shift) == pytest.approx(normalise(lw))
    assert ess(np.array([1e-200, 1e-200])) == 2.0
    assert ess([3.0, 3.0, 0.0]) == pytest.approx(2.0)


def test_ends_of_the_range() -> None:
    assert ess(np.full(64, 1 / 64)) == pytest.approx(64)
    assert ess([0.0, 1.0]) == 1.0 and ess([0.0, 0.0]) == 0.0
    assert normalise(np.array([1, 1], np.float32)).dtype == np.float64
    assert log_sum_exp([]) == -INF and normalise([]).shape == (0,)


@pytest.mark.parametrize("bad", [math.nan, INF])
def test_what_is_no_weight_is_reported_with_its_place(bad: float) -> None:
    for f in (log_sum_exp, log_mean_exp, normalise, lambda lw: ess(log_weights=lw)):
        with pytest.raises(ValueError, match="log weight 2 of 3"):
            f([0.0, -INF, bad])


def test_misuse() -> None:
    with pytest.raises(TypeError, match="log_weights=lw"):
        ess()
    with pytest.raises(TypeError, match="either"):
        ess([1.0], log_weights=[0.0])
    with pytest.raises(ValueError, match="no mean"):
        log_mean_exp([])
