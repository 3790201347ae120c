"""S012: independent draws and a verifier: pass@k from a posterior, and the coverage law."""

from __future__ import annotations

import math

import numpy as np
import pytest

from steersman.inference import Enumerate, Importance, Rejection, fit_coverage, infer, pass_at_k
from steersman.inference.testing import sentence_model, z_score
from steersman.models import TableLM
from steersman.ppl import condition, program, sample

LM = TableLM.random(4, seed=6, scale=0.8)


@program
async def answer() -> str:
    return str(await sample(LM.text("", max_tokens=4), "answer"))


def verified(text: str) -> bool:
    """The verifier: at least two a's, none at the end."""
    return text.count("a") >= 2 and not text.endswith("a")


def _rate() -> float:
    return sum(p for v, p in _law().items() if verified(v))


def _law() -> dict[str, float]:
    return infer(answer, Enumerate()).probabilities()


def test_pass_at_k_of_a_posterior() -> None:
    """E[pass@k] over runs of n draws is 1 - (1 - p)^k, p the exact success rate; the plug-in estimate is biased."""
    p, n, k = _rate(), 20, 8
    assert 0.02 < p < 0.5
    successes = [sum(verified(v) for v in infer(answer, Importance(n), seed=s).values) for s in range(300)]
    exact = 1 - (1 - p) ** k
    assert abs(z_score(pass_at_k(n, successes, k), exact)) < 4
    plug_in = [1 - (1 - c / n) ** k for c in successes]
    assert abs(np.mean(plug_in) - exact) > abs(np.mean(pass_at_k(n, successes, k)) - exact)


def test_draws_are_independent_and_equally_weighted() -> None:
    """Without factors every draw weighs 1/N and the ESS is N."""
    posterior = infer(answer, Importance(64), seed=1)
    assert posterior.weights == pytest.approx(np.full(64, 1 / 64))
    assert posterior.ess == pytest.approx(64)
    assert posterior.log_evidence == pytest.approx(0.0)


def test_rejection_is_sampling_until_verified() -> None:
    """With the verifier as a condition, log Z estimates log p and every draw passes."""

    @program
    async def passing() -> str:
        text = str(await sample(LM.text("", max_tokens=4), "answer"))
        await condition(verified(text), "verifier")
        return text

    posterior = infer(passing, Rejection(200), seed=2)
    assert all(map(verified, posterior.values))
    assert abs(posterior.log_evidence - math.log(_rate())) < 4 * posterior.log_evidence_error


def test_coverage_grows_by_the_law() -> None:
    """Tasks of spread difficulty: measured coverage is fitted by exp(a k^b), and predicts more draws."""
    rates = np.random.default_rng(0).beta(0.6, 3.0, size=400)
    ks = np.array([1, 2, 4, 8, 16, 32, 64])
    coverage = [float(np.mean(1 - (1 - rates) ** k)) for k in ks]
    fit = fit_coverage(ks, coverage)
    assert fit.a < 0 and fit.b < 0
    assert fit.residual < 0.01
    assert abs(float(fit.predict(256)) - float(np.mean(1 - (1 - rates) ** 256))) < 0.03


def test_pass_at_k_of_a_weighted_posterior_needs_draws() -> None:
    """Where the draws are weighted, equally weighted ones are made first: by `sample`."""
    posterior = infer(sentence_model().program, Importance(500), seed=3)
    exact = sentence_model().exact
    p = exact.expectation(lambda v: v[-1:] == (3,))
    drawn = posterior.sample(400, seed=1)
    c = sum(v[-1:] == (3,) for v in drawn)
    error = math.sqrt(p * (1 - p) * (1 / 400 + 1 / posterior.ess))
    assert abs(pass_at_k(400, c, 1) - p) < 4 * error
