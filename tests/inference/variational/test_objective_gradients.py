"""Gradients of objectives, against their exact expectations."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from short_walk import estimates, exact, family, z_scores

from steersman.inference.variational import (
    NonFinite,
    best_of_n,
    density,
    dpg,
    elbo,
    expect,
    iwelbo,
    kl_regularised,
    log_mean_exp,
    renyi,
    wake,
)
from steersman.inference.variational.execution import Execution

REPEATS = 400
LOG_Z = 0.3  # dpg: any number will do for the law that is tested


def squared(model: Any, guide: Any) -> Any:
    """An objective of one's own, no function of log p - log q alone."""
    x = expect(guide, 2)
    w = density(model, x) - 0.5 * density(guide, x)
    return log_mean_exp(w) - 0.1 * (w**2).mean()


OBJECTIVES = {
    "elbo": (elbo, True), "iwelbo": (iwelbo(3), True), "renyi": (renyi(0.5, 2), True),
    "renyi < 0": (renyi(-1, 2), True), "wake": (wake(3), False), "dpg": (dpg(2, LOG_Z), False), "own": (squared, True),
    "kl_regularised": (kl_regularised(0.7), True), "best_of_n": (best_of_n(4), True),
}  # fmt: skip


@pytest.mark.parametrize("names", [("wake", "own"), pytest.param(tuple(OBJECTIVES), marks=pytest.mark.slow)], ids=len)
def test_gradients_are_unbiased(names: tuple[str, ...]) -> None:
    """Law: mean gradients are those of the enumerated objectives, and so are mean values; rms z over all of them in
    [.8, 1.2]."""
    every = []
    for name in names:
        objective, possible = OBJECTIVES[name]
        q = family()
        value, gradient = jax.value_and_grad(lambda p, o=objective, ok=possible: exact(o, p, ok))(q.params)
        found = estimates(objective, q, REPEATS, 8, possible=possible)
        z = z_scores([e.gradient["token"] for e in found], gradient)
        assert len(z) > 8 and np.abs(z).max() < 4, name
        values = np.array([e.value for e in found])
        assert abs(values.mean() - float(value)) < 4 * values.std() / REPEATS**0.5, name
        every.append(z)
    if len(names) == len(OBJECTIVES):  # two alone have too few components that are independent
        assert 0.8 < np.sqrt(np.mean(np.concatenate(every) ** 2)) < 1.2


def test_a_lost_log_q_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant that drops log q fails the oracle of the gradient."""
    true = Execution.log_density
    monkeypatch.setattr(Execution, "log_density", lambda self, of: 0.0 if of == "guide" else true(self, of))
    q = family()
    gradient = jax.grad(lambda p: exact(elbo, p))(q.params)
    z = z_scores([e.gradient["token"] for e in estimates(elbo, q, REPEATS, 8)], gradient)
    assert np.abs(z).max() > 8


def test_baselines_pay() -> None:
    """Law: enumeration of the sites gives the same gradient with less variance than scores."""
    q = family()
    gradient = jax.grad(lambda p: exact(elbo, p))(q.params)
    score = np.array([e.gradient["token"] for e in estimates(elbo, q, 200, 4)])
    every = np.array([
        e.gradient["token"] for e in estimates(elbo, q, 200, 4, estimators={"x": "enumerate"})
    ])  # fmt: skip
    z = z_scores(every, gradient)
    assert np.abs(z).max() < 4
    assert every.var(0).sum() < 0.7 * score.var(0).sum()


def test_impossible_executions_are_named() -> None:
    """Law: an ELBO of -inf says at which step, and which site closed the executions."""
    with pytest.raises(NonFinite, match=r"step 0: the objective is -inf: executions died at condition"):
        estimates(elbo, family(), 1, 64, possible=False)
