"""`check_method`: everything that is known about a method's output, asked in one call.

    report = check_method(MySampler(32), sentence_model("twist"))
    assert report.passed, report
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from steersman.ppl.effects import Invocation

from ..run.algorithm import Algorithm
from .evidence import mean_of_draws, run_many, unbiased
from .models import OracleModel, oracle_models
from .report import Report
from .spread import calibrated
from .structure import well_formed


def check_method(
    method: Algorithm[Any], model: OracleModel | Invocation[Any], *, runs: int = 400, seed: int = 0,
    evidence: bool = True, error_bars: bool = True,
) -> Report:
    """Enumerate the model, run the method `runs` times, and report every z score.

    model: an oracle model, or any program call whose choices are finite. evidence: whether the method claims an
    unbiased Zhat and a properly weighted measure; without, its expectations are compared. error_bars: whether it
    claims a calibrated `log_evidence_error`. A correct method fails with probability below 1e-4; seeds are fixed, so
    a report is the same every time.
    """
    target = model if isinstance(model, OracleModel) else OracleModel.of(model)
    posteriors = run_many(method, target, runs, seed=seed)
    checks = well_formed(posteriors, target, method)
    checks += unbiased(posteriors, target, seed=seed) if evidence else mean_of_draws(posteriors, target)
    if error_bars:
        checks += calibrated(posteriors, target)
    return Report(method.name, target.name, runs, tuple(checks))


def assert_exact(
    method: Algorithm[Any], models: OracleModel | Sequence[OracleModel] | None = None, *, runs: int = 400,
    seed: int = 0, evidence: bool = True, error_bars: bool = True,
) -> list[Report]:
    """`check_method` on each model (all oracle models by default); AssertionError with the report of the first that
    fails."""
    given = oracle_models() if models is None else [models] if isinstance(models, OracleModel) else list(models)
    reports = []
    for model in given:
        report = check_method(method, model, runs=runs, seed=seed, evidence=evidence, error_bars=error_bars)
        if not report.passed:
            raise AssertionError(str(report))
        reports.append(report)
    return reports
