"""Learnt twists, estimators of sites, and marginals."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from steersman.inference import SMC, AllParticlesDead, Enumerate, infer
from steersman.inference.run import Run
from steersman.inference.run.schedule import run_together
from steersman.inference.variational import (
    Family,
    Guide,
    NoMeasure,
    Potential,
    density,
    elbo,
    expect,
    fit_twists,
    frozen,
    marginal,
)
from steersman.inference.variational.evaluate import Evaluation
from steersman.inference.variational.gradient import Estimate, estimate
from steersman.ppl import condition, dist, factor, program, sample, twist
from steersman.ppl.keys import Key

N = 6


@program
async def late(psi: Potential, n: int = N) -> int:
    """Nothing tells until the end whether there are n - 1 heads."""
    heads = 0
    for t in range(n):
        heads += await sample(dist.Bernoulli(0.3), "toss")
        await twist(await psi(t + 1, heads))
    await condition(heads >= n - 1)
    return heads


def potential() -> Potential:
    return Potential("ahead", jnp.zeros((N + 1, N + 1)), lambda theta, t, heads: theta[t, heads])


def log_z(psi: Potential, seed: int) -> float:
    """Of one filter; -inf where all its particles die."""
    try:
        return infer(late(psi), SMC(64), seed=seed).log_evidence
    except AllParticlesDead:
        return -math.inf


@pytest.mark.slow
def test_learnt_twists_look_ahead() -> None:
    """Law: a twisted program keeps its target; twists that are learnt make the filter's log Z far less variable, and
    come to differ as the log probabilities of success do."""
    psi = potential()
    exact = math.log(0.3**N + N * 0.3 ** (N - 1) * 0.7)
    before = [log_z(psi, s) for s in range(20)]
    fit_twists(late(psi), psi, steps=80, particles=128, optimiser=0.1, seed=1)
    z = np.array([log_z(psi, s) for s in range(20)])
    assert z.std() < 0.35 * np.std([max(b, -12.0) for b in before])
    assert abs(np.log(np.mean(np.exp(z))) - exact) < 4 * z.std() / len(z) ** 0.5
    t = 4  # from 3 or 4 heads of 4: two heads, or at least one, of 2
    learnt = float(psi.params[t, 4] - psi.params[t, 3])
    assert abs(learnt - math.log((1 - 0.7**2) / 0.3**2)) < 0.5


def test_without_training_nothing_changes() -> None:
    """Law: a potential at zero changes no execution."""
    psi = potential()
    exact = infer(late(psi, 3), Enumerate()).log_evidence
    found = infer(late(psi, 3), SMC(2000), seed=0)
    assert abs(found.log_evidence - exact) < 4 * found.log_evidence_error


def gradients(model: Any, guide: Guide, objective: Any, repeats: int, **options: Any) -> list[Estimate]:
    run, evaluation = Run(model), Evaluation(objective)

    async def all_of_them() -> list[Estimate]:
        applied, key = guide.applied(run.model), Key(5)
        return [await estimate(run, applied, evaluation, 4, key.fold(i), **options) for i in range(repeats)]

    (found,) = run_together([all_of_them()])
    return found


LAWS = {
    "Normal": ({"loc": 0.4, "scale": 0.3}, lambda t: dist.Normal(t["loc"], jnp.exp(t["scale"])), dist.Normal(0.0, 1.0)),
    "Poisson": ({"rate": 0.7}, lambda t: dist.Poisson(jnp.exp(t["rate"])), dist.Poisson(2.0)),
    "Exponential": ({"rate": 0.2}, lambda t: dist.Exponential(jnp.exp(t["rate"])), dist.Exponential(1.0)),
}


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
def test_measure_valued_derivatives(law: str) -> None:
    """Law: they have the mean of the score's gradient, for an objective that bends and a choice that follows."""
    params, apply, prior = LAWS[law]
    q = Family("q", params, apply)

    @program
    async def model() -> float:
        x = await sample(prior, "x", proposal=q())
        y = await sample(dist.Normal(0.3 * x, 1.0), "y")
        await factor(-0.1 * (y - 1.0) ** 2 + 0.2 * math.sin(x))
        return x

    score = gradients(model(), Guide(None, q), elbo, 600)
    measure = gradients(model(), Guide(None, q), elbo, 300, estimators={"x": "measure-valued"})
    for name in params:
        a, b = (np.array([float(e.gradient["q"][name]) for e in found]) for found in (score, measure))
        error = math.sqrt(a.var() / len(a) + b.var() / len(b))
        assert abs(a.mean() - b.mean()) < 4 * error
        assert b.std() < 1.5 * a.std()


def test_no_measure() -> None:
    """Law: a law without a known derivative is refused, and named."""
    q = Family("q", {"a": 0.0}, lambda t: dist.Gamma(jnp.exp(t["a"]), 1.0))

    @program
    async def model() -> float:
        return await sample(dist.Gamma(2.0, 1.0), "x", proposal=q())

    with pytest.raises(NoMeasure, match=r"'x'.*Gamma"):
        gradients(model(), Guide(None, q), elbo, 1, estimators={"x": "measure-valued"})


def test_marginals() -> None:
    """Law: exp of the estimate of a marginal is unbiased, and its objective's value a lower bound of the true one."""

    @program
    async def pair() -> int:
        a = await sample(dist.Categorical(probs=np.array([0.3, 0.7])), "a")
        b = await sample(dist.Categorical(probs=np.array([0.1, 0.9])), "b")
        await factor(1.1 * a * b - 0.3 * b)
        return a

    q = Family("q", np.zeros(2), lambda theta: dist.Categorical(logits=theta))

    @program
    async def of_both() -> None:
        await sample(q(), "a")
        await sample(q(), "b")

    def expected_marginal(model: Any, guide: Any) -> Any:
        x = expect(frozen(guide))
        return jnp.exp(marginal(model, x, "a", frozen(guide), 3)) + 0.0 * density(guide, x)

    found = np.array([e.value for e in gradients(pair(), Guide(of_both(), q), expected_marginal, 400)])
    by_a = [p * (0.1 + 0.9 * math.exp(1.1 * a - 0.3)) for a, p in ((0, 0.3), (1, 0.7))]
    assert abs(found.mean() - 0.5 * sum(by_a)) < 4 * found.std() / len(found) ** 0.5
