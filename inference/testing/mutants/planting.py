"""What mutants are made with: reading traces, and recasting posteriors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from steersman.ppl.trace import Trace

from ...posterior import Posterior
from ...resampling import Resampler
from ...run.algorithm import Algorithm
from ..measure import check_measure
from ..models import OracleModel, Wrap, unwrapped
from ..report import Report

P = TypeVar("P", bound=Posterior)


@dataclass(frozen=True)
class Mutant:
    """A known bug, planted in a real algorithm.

    planted: makes the method with the bug; correct: the method without, from the same settings. wrap: plants a bug in
    the language models instead. model: where it shows. oracle: the oracle that is built to see it. small: two-particle
    settings and a model under which all its random choices can be summed, where that sees it too.
    """

    name: str
    bug: str
    planted: Any
    correct: Any
    model: OracleModel
    oracle: str
    settings: dict[str, Any] = field(default_factory=dict)
    wrap: Wrap = unwrapped
    small: tuple[dict[str, Any], OracleModel] | None = None

    def method(self) -> Algorithm[Any]:
        made: Algorithm[Any] = self.planted(**self.settings)
        return made

    def original(self) -> Algorithm[Any]:
        made: Algorithm[Any] = self.correct(**self.settings)
        return made

    def target(self) -> OracleModel:
        """The model as the mutant sees it; its exact posterior does not depend on the planted draws."""
        return planted_in(self.model, self.wrap)

    def exhaustive(self) -> tuple[Report, Report] | None:
        """The exhaustive reports of the planted and of the correct method, where there is a small setting."""
        if self.small is None:
            return None
        settings, model = self.small
        resamples = "ess_threshold" in settings

        def with_resampler(make: Any) -> Callable[[Resampler], Algorithm[Any]]:
            return lambda r: make(**settings, resample=r) if resamples else make(**settings)

        planted = check_measure(with_resampler(self.planted), planted_in(model, self.wrap))
        return planted, check_measure(with_resampler(self.correct), model)


def planted_in(model: OracleModel, wrap: Wrap) -> OracleModel:
    return OracleModel(model.name, lambda outer: model.build(lambda lm: outer(wrap(lm))), model.statistics)


def recast(posterior: Posterior, cls: type[P], **changes: Any) -> P:
    """The posterior as another class, with some fields changed."""
    given = {f.name: getattr(posterior, f.name) for f in fields(posterior)}
    return cls(**{**given, **changes})


def last_potential(trace: Trace | None) -> float:
    """log of the last factor or observation of an execution; 0 if it has none or is dead."""
    if trace is None:
        return 0.0
    return next((s.log_p for _, s in reversed(list(trace.walk())) if s.kind in ("factor", "observe")), 0.0)


def last_twist(trace: Trace | None) -> float:
    """The value of the last twist of an execution; 0 if it has none or is dead."""
    if trace is None:
        return 0.0
    return next((float(s.value) for s in reversed(trace.sites()) if s.kind == "twist"), 0.0)


def proposal_ratio(trace: Trace) -> float:
    """sum log p - log q over the choices of an execution."""
    return sum(s.log_p - s.log_q for s in map(trace.site, trace.choices()))


def weighted_sites(trace: Trace) -> int:
    """How many sites gave the execution weight, at least 1."""
    return max(1, sum((s.log_p != s.log_q if s.kind == "sample" else s.log_p != 0.0) for _, s in trace.walk()))
