"""Bounds of log Z, closed forms of optima, and parameters of the program itself."""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np
import optax  # type: ignore[import-untyped]
import pytest
from scipy.optimize import minimize_scalar
from short_walk import estimates, exact, family, guide, log_q, paths, walk

from steersman.inference import Enumerate, infer
from steersman.inference.variational import (
    Family,
    Guide,
    best_of_n,
    elbo,
    fit,
    iwelbo,
    kl_regularised,
    renyi,
    wake_model,
)
from steersman.ppl import dist, observe, program, sample


def test_bounds_are_ordered() -> None:
    """Law: ELBO <= Renyi(.5) <= IWELBO <= log Z <= Renyi(-1), and log Z <= EUBO = E_posterior[log p - log q]."""
    q = family()
    log_z = infer(walk(), Enumerate()).log_evidence
    bounds = [float(exact(o, q.params)) for o in (elbo, renyi(0.5, 3), iwelbo(3))]
    assert bounds == sorted(bounds) and bounds[-1] < log_z
    assert all(b < log_z for b in bounds)
    every, joint, _ = paths(True)
    weights = np.exp(np.array(joint) - log_z)
    eubo = float(np.sum(weights * (np.array(joint) - np.array([float(log_q(q.params, p)) for p in every]))))
    assert log_z < eubo
    found = np.array([e.value for e in estimates(iwelbo(16), q, 200, 4)])
    assert bounds[-1] < found.mean() < log_z + 4 * found.std() / 200**0.5


@pytest.mark.parametrize("name", ["kl_regularised", "best_of_n"])
def test_optima_have_their_closed_form(name: str) -> None:
    """Law: the best q is prior exp(r / beta), and prior F^(N - 1); a fit of a guide that can hold it comes there."""
    objective, power = {"kl_regularised": (kl_regularised(2.0), 0.5), "best_of_n": (best_of_n(3), 2.0)}[name]
    q = family(scale=0.1)
    slower = optax.adam(optax.exponential_decay(0.1, 100, 0.4))
    fit(walk(), guide(q), steps=400, draws=16, optimiser=slower, objective=objective)
    every, *densities = paths(True)
    joint, prior = np.array(densities)
    log_best = prior + power * (joint - prior)
    best = np.exp(log_best - np.logaddexp.reduce(log_best))
    found = np.array([math.exp(float(log_q(q.params, p))) for p in every])
    assert 0.5 * np.abs(found - best).sum() < 0.04
    assert float(exact(objective, q.params)) > float(exact(objective, family(scale=0.1).params))


@pytest.mark.slow
def test_the_program_learns_by_em() -> None:
    """Law: with parameters in the program, `wake_model` over a data set finds their maximum likelihood."""
    table = np.array([[0.9, 0.1], [0.2, 0.8]])
    share = Family("share", {"logit": 0.0}, lambda t: dist.Bernoulli(logits=t["logit"]))
    q = Family("q", np.zeros((2, 2)), lambda theta, y: dist.Categorical(logits=theta[y]))

    @program
    async def mixture(y: int) -> int:
        z = await sample(share(), "z")
        await observe(dist.Categorical(probs=table[z]), y)
        return z

    @program
    async def recognise(y: int) -> None:
        await sample(q(y), "z")

    data = [0, 0, 1, 1, 1, 0, 1, 1]

    def loss(p: float) -> float:
        return -sum(math.log((1 - p) * table[0, y] + p * table[1, y]) for y in data)

    best = minimize_scalar(loss, bounds=(0.01, 0.99), method="bounded").x
    fit([mixture(y) for y in data], Guide(recognise, q, share), steps=480, objective=wake_model(16), draws=8,
        optimiser=optax.adam(optax.exponential_decay(0.1, 100, 0.5)))
    learnt = 1 / (1 + math.exp(-float(share.params["logit"])))
    assert abs(learnt - best) < 0.06


def test_a_plot_of_the_losses() -> None:
    """Law: the picture shows every loss."""
    pytest.importorskip("matplotlib").use("Agg")
    found = fit(walk(), guide(family()), steps=25)
    lines: list[Any] = found.plot().axes[0].get_lines()
    assert len(lines[0].get_xdata()) == 25 and len(lines) == 2


def test_gradients_of_the_exact_objective_are_checked_by_differences() -> None:
    """The oracle itself: its gradient agrees with central differences."""
    q = family()
    gradient = jax.grad(lambda p: exact(elbo, p))(q.params)
    step = np.zeros(q.params.shape, np.float32)
    step[0, 2, 1] = 1e-2
    difference = (exact(elbo, q.params + step) - exact(elbo, q.params - step)) / 2e-2
    assert abs(float(difference) - float(gradient[0, 2, 1])) < 1e-3
