"""Automatic guides and guide programs with parameters, in a fit."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

from steersman.inference import Importance, infer
from steersman.inference.run import Run
from steersman.inference.run.schedule import run_together
from steersman.inference.variational import (
    VI,
    AutoGuide,
    AutoMultivariateNormal,
    AutoNormal,
    Guide,
    density,
    elbo,
    expect,
    fit,
    frozen,
)
from steersman.inference.variational.evaluate import Evaluation
from steersman.inference.variational.gradient import estimate
from steersman.ppl import dist, factor, observe, param, program, sample
from steersman.ppl.errors import TracedControlFlow
from steersman.ppl.keys import Key

LOG_Z = -0.5 * (math.log(2 * math.pi * 1.25) + 1.0 / 1.25)  # of `level`


@program
async def level() -> float:
    """x | y ~ Normal(0.8, sqrt 0.2)."""
    x = await sample(dist.Normal(0.0, 1.0), "x")
    await observe(dist.Normal(x, 0.5), 1.0)
    return x


@program
async def guess() -> None:
    loc = await param("loc", -1.0)
    scale = await param("scale", 3.0, constraint=dist.constraints.positive)
    await sample(dist.Normal(loc, scale), "x")


def gradients(guide: Guide, objective: Any, repeats: int, **options: Any) -> list[dict[str, Any]]:
    run, evaluation = Run(level()), Evaluation(objective)

    async def all_of_them() -> list[dict[str, Any]]:
        model, key = guide.applied(run.model), Key(5)
        return [(await estimate(run, model, evaluation, 8, key.fold(i), **options)).gradient for i in range(repeats)]

    (found,) = run_together([all_of_them()])
    return found


@pytest.mark.parametrize("options", [{}, {"estimators": {"x": "score"}}], ids=["path", "score"])
def test_gradients_of_parameters(options: dict[str, Any]) -> None:
    """Law: both estimators of the ELBO's gradient have the closed form as their mean; the path has less variance.

    ELBO = -(m^2 + s^2) / 2 - ((1 - m)^2 + s^2) / (2 / 4) + log s + constants, with s = exp(raw).
    """
    guide = Guide(guess())
    found = gradients(guide, elbo, 400, **options)
    m, s = -1.0, 3.0
    closed = {"loc": -m + 4 * (1 - m), "scale": (-s - 4 * s + 1 / s) * s}
    for name, expected in closed.items():
        draws = np.array([float(g["params"][name]) for g in found])
        assert abs(draws.mean() - expected) < 4 * draws.std() / len(draws) ** 0.5
    paths = np.array([float(g["params"]["loc"]) for g in gradients(guide, elbo, 100)])
    scores = np.array([float(g["params"]["loc"]) for g in gradients(guide, elbo, 100, estimators={"x": "score"})])
    assert paths.var() < 0.5 * scores.var()


def test_sticking_the_landing() -> None:
    """Law: with log q frozen but for its path the gradient has the same mean, and no variance at the posterior."""

    def landing(model: Any, guide: Any) -> Any:
        x = expect(guide)
        return density(model, x) - density(frozen(guide), x)

    auto = AutoNormal(level(), init_scale=math.sqrt(0.2))
    auto.initialise()
    auto.params = auto.params | {"loc": {key: np.full_like(a, 0.8) for key, a in auto.params["loc"].items()}}
    guide = Guide(auto)
    sticking, plain = (
        np.array([[float(a) for part in ("loc", "raw_scale") for a in g["AutoNormal"][part].values()] for g in found])
        for found in (gradients(guide, landing, 30), gradients(guide, elbo, 30))
    )
    assert np.abs(sticking).max() < 1e-4 < 0.05 < plain.std(0).max()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["normal", "full rank", "program", "measure-valued"])
def test_vi_finds_the_posterior(kind: str) -> None:
    """Law: guides of every kind come to the posterior, scales too; log Z is corrected."""
    made: Any = {
        "normal": lambda: AutoNormal(level()), "full rank": lambda: AutoGuide(level(), AutoMultivariateNormal(level())),
        "program": guess, "measure-valued": guess,
    }  # fmt: skip
    guide = Guide(made[kind]())
    estimators = {"x": "score"} if kind == "measure-valued" else None
    found = infer(level(), VI(guide, 300, optimiser=0.05, draws=32, particles=1000, estimators=estimators))
    assert found.ess > 900
    assert abs(found.log_evidence - LOG_Z) < 4 * found.log_evidence_error + 1e-3
    x = np.array(found.values, float)
    assert abs(x.mean() - 0.8) < 0.1 and abs(x.std() - math.sqrt(0.2)) < 0.06


@pytest.mark.slow
def test_text_and_numbers_together() -> None:
    """Law: discrete choices by their scores and continuous ones along paths make one unbiased fit: E[w] = Z."""

    @program
    async def mixed() -> tuple[int, float]:
        k = await sample(dist.Categorical(probs=np.array([0.2, 0.8])), "k")
        x = await sample(dist.Normal(float(k), 1.0), "x")
        await factor(-0.5 * (x - 2.0) ** 2 * 4)
        return k, x

    guide = Guide(AutoGuide(mixed()))
    found = infer(mixed(), VI(guide, 400, optimiser=0.05, draws=32, particles=2000), seed=3)

    def evidence(mean: float) -> float:  # of Normal(mean, 1) against exp(-2 (x - 2)^2)
        return math.sqrt(1 / 5) * math.exp(-((2 - mean) ** 2) / (2 * 1.25))

    exact = math.log(0.2 * evidence(0.0) + 0.8 * evidence(1.0))
    assert abs(found.log_evidence - exact) < 4 * found.log_evidence_error
    prior = infer(mixed(), Importance(2000), seed=3)
    assert found.ess > 1.5 * prior.ess


def test_where_there_is_no_path() -> None:
    """Law: a program that branches on a number is fitted by scores, with a warning; asked for a path, it refuses."""

    @program
    async def branching() -> float:
        x = await sample(dist.Normal(0.0, 1.0), "x")
        await observe(dist.Normal(x if x > 0 else 2 * x, 0.5), 1.0)
        return x

    with pytest.warns(UserWarning, match="no gradient along the path"):
        fit(branching(), Guide(AutoNormal(branching())), steps=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(branching(), Guide(AutoNormal(branching())), steps=1, estimators={"x": "score"})
    with pytest.raises(TracedControlFlow):
        fit(branching(), Guide(AutoNormal(branching())), steps=1, estimators={"x": "reparameterised"})
