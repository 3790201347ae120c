"""Rejection sampling: exact independent draws, and an unbiased rate."""

from __future__ import annotations

import math

import numpy as np
import pytest

from steersman.inference import AllParticlesDead, Rejection, infer
from steersman.inference.testing import (
    OracleModel,
    coins_model,
    crossroads_model,
    relative_evidence,
    run_many,
    sentence_model,
    z_score,
)
from steersman.inference.testing.evidence import mean_of_draws, unbiased
from steersman.inference.testing.report import Check, Report
from steersman.ppl import InvalidWeight, condition, program, sample


def _bound(model: OracleModel) -> float:
    """The largest sum of factors of any execution, in nats."""
    sums = [sum(s.log_p for _, s in t.walk() if s.kind == "factor") for t in model.exact.traces if t is not None]
    return max(sums)


def _report(method: Rejection, model: OracleModel, checks: list[Check]) -> Report:
    return Report(method.name, model.name, 200, tuple(checks))


@pytest.mark.parametrize("model", [sentence_model(), crossroads_model()], ids=lambda m: m.name)
def test_draws_and_evidence(model: OracleModel) -> None:
    """Draws have the posterior's expectations, and (m - 1)/(n - 1) estimates the acceptance rate without bias."""
    method = Rejection(4, log_bound=_bound(model), batch=32)
    posteriors = run_many(method, model, 200)
    report = _report(method, model, unbiased(posteriors, model) + mean_of_draws(posteriors, model))
    assert report.passed, report


def test_fixed_attempts_are_unbiased() -> None:
    """Out of attempts, the rate is accepted / attempts; runs without any acceptance count as zero."""
    model = coins_model(3)
    method = Rejection(1000, attempts=20, batch=7)
    scale = relative_evidence(run_many(method, model, 400), model)
    assert (scale == 0).any()
    assert abs(z_score(scale, 1.0)) < 4
    assert float(scale.var()) == pytest.approx(7 / 20, rel=0.3)  # binomial: (1 - p) / (n p)


def test_error_bar_is_calibrated() -> None:
    """The claimed variance of log Z agrees with its spread over runs, in standard errors."""
    model = coins_model(2)
    posteriors = [p for p in run_many(Rejection(20, batch=24), model, 300) if p is not None]
    square = [(p.log_evidence - model.exact.log_evidence) ** 2 for p in posteriors]
    claimed = [p.log_evidence_error**2 for p in posteriors]
    assert abs(z_score(np.array(square) - np.array(claimed), 0.0)) < 4


def test_stops_at_the_last_sample_whatever_the_batch() -> None:
    """Executions after the last acceptance are not looked at, so batches change nothing."""
    runs = [infer(coins_model(2).program, Rejection(9, batch=b), seed=5) for b in (1, 4, 256)]
    for p in runs[1:]:
        assert p.values == runs[0].values
        assert p.log_evidence == runs[0].log_evidence
    assert len(runs[0]) == 9
    assert runs[0].ess == pytest.approx(9)


def test_a_weight_above_the_bound_is_an_error() -> None:
    """The accept step would not be a probability: the weight and the bound are named."""
    with pytest.raises(InvalidWeight, match="log_bound=0"):
        infer(sentence_model().program, Rejection(5))


def test_out_of_attempts() -> None:
    """Fewer samples than asked for: a valid result that says so."""
    posterior = infer(coins_model(3).program, Rejection(50, attempts=40))
    assert 0 < len(posterior) < 50
    assert posterior.stopped is not None and "40 attempts" in posterior.stopped
    assert posterior.log_evidence == pytest.approx(math.log(len(posterior) / 40))


def test_nothing_accepted() -> None:
    """All executions died: their sites are counted."""

    @program
    async def impossible() -> None:
        await sample(coins_model(1).exact, "free")
        await condition(False, "never")

    with pytest.raises(AllParticlesDead, match=r"never \(30\)"):
        infer(impossible, Rejection(1, attempts=30))


@pytest.mark.parametrize("bad", [{"samples": 0}, {"samples": 1, "attempts": 0}, {"samples": 1, "batch": 0}])
def test_bad_arguments(bad: dict[str, int]) -> None:
    """Sizes are at least 1."""
    with pytest.raises(ValueError, match="at least 1"):
        Rejection(**bad)
