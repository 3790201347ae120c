"""Adapters of every architecture that is read: the same law for all, on small random weights."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from adapter_cases import WEIGHTS, moved_by, of_family, perturb, texts

from steersman.models import LogitBias, LoRA, SoftPrompt
from steersman.ppl.parameters import named
from tests.models.decoder.random_checkpoints import CASES

FAST = ("gpt2",)


@pytest.mark.slow
@pytest.mark.parametrize("case", [c if c in FAST else pytest.param(c, marks=pytest.mark.slow) for c in CASES])
def test_every_architecture(case: str) -> None:
    """Law: of every architecture, windows, caps and learned positions included, the fast path is what is
    differentiated, and the gradient is the slope of the fast path along itself."""
    lm = of_family(case).adapted(LoRA(2), SoftPrompt(3), LogitBias())
    perturb(lm, 0.1)
    members, values = texts(lm)
    log_q = type(members[0]).log_prob(members, values)
    value, gradient = lm.log_prob_and_gradient(members, values, WEIGHTS)
    assert value == pytest.approx(WEIGHTS @ log_q, abs=2e-4)
    theta = lm.params
    length = np.sqrt(sum(float((np.asarray(g) ** 2).sum()) for g in named(gradient).values()))

    def moved(h: float) -> float:
        steps = {k: h * np.asarray(g) / length for k, g in named(gradient).items()}
        lm.params = moved_by(jax.tree.map(np.asarray, theta), steps)
        return float(WEIGHTS @ type(members[0]).log_prob(members, values))

    h = 0.1 / length
    slope = (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h)  # off by O(h^4)
    assert slope == pytest.approx(length, rel=5e-3)
