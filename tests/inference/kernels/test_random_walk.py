"""Random-walk moves: continuous choices step, discrete ones are drawn anew, and their number may change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from steersman.inference import MH, NothingToChange, infer, random_walk
from steersman.inference.kernels import Kernel
from steersman.inference.kernels.random_walk import RandomWalk
from steersman.inference.testing import check_joint, check_transitions, tosses_model
from steersman.ppl import dist, observe, program, sample


@program
async def mixture(data: float | None = None) -> Any:
    """One or two levels, the second of another kind in one of three cases, and a vector; their sum is seen."""
    count = await sample(dist.Categorical([0.5, 0.3, 0.2]), "count")
    first = await sample(dist.Normal(0.0, 1.0), "level")
    second: Any = 0.0
    if count == 1:
        second = await sample(dist.Gamma(2.0, 1.0), "second")
    elif count == 2:
        second = await sample(dist.Poisson(1.5), "second")
    pair = await sample(dist.Normal(np.zeros(2), 0.7), "pair")
    law = dist.Normal(first + second + float(np.sum(pair)), 0.8)
    if data is None:
        data = await sample(law, "data")
    else:
        await observe(law, data, "data")
    return (count, first, second, float(np.asarray(pair)[0])), data


STATISTICS = {
    "one": lambda v: float(v[0][0] == 1), "two": lambda v: float(v[0][0] == 2), "level": lambda v: v[0][1],
    "level squared": lambda v: v[0][1] ** 2, "second": lambda v: float(v[0][2]), "pair": lambda v: v[0][3],
    "level times data": lambda v: v[0][1] * v[1], "pair times data": lambda v: v[0][3] * v[1],
}


@pytest.mark.slow
@pytest.mark.parametrize("kernel", [random_walk(scale=0.8),
                                    pytest.param(random_walk("level", "pair", scale=0.6), marks=pytest.mark.slow),
                                    pytest.param(random_walk("count", "second", scale=0.6), marks=pytest.mark.slow)],
                         ids=str)
def test_joint_law(kernel: Kernel) -> None:
    """Geweke's joint test: scalars, vectors, a choice that is continuous, discrete or absent, as another one says."""
    report = check_joint(kernel, mixture, STATISTICS, runs=500, steps=4)
    assert report.passed, report


@pytest.mark.slow
def test_the_joint_test_sees_what_is_not_led_back() -> None:
    """Without the densities of what appears and disappears the same oracle fails."""

    class Forgetful(RandomWalk):
        async def propose(self, chain: Any) -> Any:
            proposal = await super().propose(chain)
            if proposal is not None and not proposal.particle.dead:
                proposal.log_ratio = 0.0
            return proposal

    assert not check_joint(Forgetful((), 0.8), mixture, STATISTICS, runs=500, steps=4).passed


def test_discrete_choices_only() -> None:
    """Where nothing is continuous all choices are drawn from the program at once: an independence sampler, exactly."""
    report = check_transitions(random_walk(scale=1.0), tosses_model())
    assert report.passed, report


def test_bad_input() -> None:
    """A scale that is no standard deviation, and names that are not there."""
    for scale in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="scale"):
            random_walk("x", scale=scale)
    with pytest.raises(NothingToChange, match="nowhere"):
        infer(mixture(1.0), MH(1, 2, random_walk("nowhere", scale=1.0)))
