"""Whether Markov chains agree, and how many independent draws they are worth. (Weighted draws: `weight_diagnosis`.)

For a number x[m, n] at each of N draws of M chains, every chain split into halves, and its ranks over all draws
normal scores z = Phi^-1((rank - 3/8) / (M N + 1/4)):

    R-hat = sqrt((n - 1)/n + B/W)        W: mean variance within the half-chains of n draws, B: variance of their
                                          means; the larger of that of z and that of the scores of |x - median x|
    ESS   = M N / (1 + 2 sum_t rho_t)    autocorrelations rho_t pooled over half-chains, cut where pairs of them turn
                                          negative; of z for the bulk; for the tail the smaller of those of 1{x <= q},
                                          q the 5 % and 95 % quantiles
    MCSE  = sd(x) / sqrt(ESS of x)       the standard error of the mean of all draws

Source: Vehtari, Gelman, Simpson, Carpenter & Bürkner 2021, "Rank-normalization, folding, and localization: an improved
R-hat for assessing convergence of MCMC" (sections 3 and 4); computed by `arviz_stats`.

All of them are nan for fewer than four draws a chain, for a number that never changes (whether the target fixes it or
the chains are stuck cannot be told) and for one that is not finite; R-hat also for a single chain. R-hat is inf where
no chain ever moves and they differ. A function of None means the log joint density of the trace.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from steersman.ppl.address import format_address
from steersman.ppl.protocols import Floats
from steersman.ppl.trace import Trace

from .diagnosis import MIN_DRAWS, Diagnosis, Statistic
from .weight_diagnosis import WeightDiagnosis, weight_diagnosis

if TYPE_CHECKING:
    from ..posterior import Posterior

Function = Callable[[Any], Any]
Of = Literal["value", "trace"]

LOG_DENSITY = "log density"
_ROUNDING = 1e-12


def rhat(posterior: Posterior, f: Function | None = None, *, of: Of = "value") -> float:
    """R-hat of f(value), of f(trace) for of="trace". 1 where chains agree; above 1.01 they do not yet."""
    return _rhat(draws_of(posterior, f, of=of))


def ess_bulk(posterior: Posterior, f: Function | None = None, *, of: Of = "value") -> float:
    """How many independent draws would tell the mean of f as well."""
    return _ess(draws_of(posterior, f, of=of), method="bulk")


def ess_tail(posterior: Posterior, f: Function | None = None, *, of: Of = "value") -> float:
    """How many independent draws would tell the 5 % and 95 % quantiles of f as well."""
    return _ess(draws_of(posterior, f, of=of), method="tail", prob=(0.05, 0.95))


def mcse(posterior: Posterior, f: Function | None = None, *, of: Of = "value") -> float:
    """The Monte Carlo standard error of the mean of f over all draws."""
    return _mcse(draws_of(posterior, f, of=of))


def diagnose(
    posterior: Posterior, f: Function | Mapping[str, Function] | None = None, *, of: Of = "value"
) -> Diagnosis | WeightDiagnosis:
    """Of chains: mean, its error, sd, R-hat and ESS of each function, and the acceptance of each move. Of independent
    weighted draws: mean, its error, sd and Pareto k. See `Posterior.diagnose`."""
    weighted = posterior.chains is None and "pareto_k" in posterior.info
    traces = [t for _, t in posterior.weighted_traces()] if weighted else traces_of(posterior)
    if f is None:
        table = _numbers(traces)
    else:
        functions = dict(f) if isinstance(f, Mapping) else {getattr(f, "__name__", "f"): f}
        table = {name: _column(traces, g, of, name) for name, g in functions.items()}
    if weighted:
        k = posterior.info["pareto_k"]
        return weight_diagnosis(posterior.method, posterior.weights, table, posterior.ess, k)
    assert posterior.chains is not None
    statistics = {name: _statistic(_in_chains(posterior, x)) for name, x in table.items()}
    return Diagnosis(posterior.method, posterior.chains, statistics)


def traces_of(posterior: Posterior) -> list[Trace]:
    """The draws of all chains, one chain after the other. Raises ValueError where there are none."""
    if posterior.chains is None:
        raise ValueError(
            f"{posterior.method} draws no Markov chains, so it has no R-hat: MH and the other MCMC methods do. Its own "
            "measures are posterior.ess and posterior.log_evidence_error"
        )
    traces = [t for t in posterior.traces if t is not None]
    if not traces:
        why = f" (it was stopped: {posterior.stopped})" if posterior.stopped else ""
        raise ValueError(f"{posterior.method} has kept no draw{why}: give it a larger budget")
    return traces


def draws_of(posterior: Posterior, f: Function | None = None, *, of: Of = "value") -> Floats:
    """f of every draw, shape [chains, draws]. Raises TypeError, naming f, where it gives no number."""
    return _in_chains(posterior, _column(traces_of(posterior), f, of))


def _column(traces: list[Trace], f: Function | None, of: Of, name: str | None = None) -> list[float]:
    """f of every trace."""
    if of not in ("value", "trace"):
        raise ValueError(f"of={of!r}: expected 'value' (of the program) or 'trace'")
    if f is None:
        return [t.log_joint for t in traces]
    given = [f(t if of == "trace" else t.value) for t in traces]
    if bad := [x for x in given if not _is_number(x)]:
        label = getattr(f, "__name__", "f") if name is None else name
        raise TypeError(f"{label!r} gave {bad[0]!r:.60} for a draw: a statistic is one number (or a truth value)")
    return [float(x) for x in given]


def _numbers(traces: list[Trace]) -> dict[str, list[float]]:
    """The log joint density, and the numeric choices that all draws have, by address."""
    choices = [t.choices() for t in traces]
    shared = [a for a in choices[0] if all(a in c and _is_number(c[a]) for c in choices)]
    table = {format_address(a): [float(c[a]) for c in choices] for a in shared}
    return {LOG_DENSITY: [t.log_joint for t in traces], **table}


def _in_chains(posterior: Posterior, column: list[float]) -> Floats:
    assert posterior.chains is not None
    return np.array(column, np.float64).reshape(posterior.chains.chains, -1)


def _is_number(x: Any) -> bool:
    scalar = isinstance(x, (int, float, np.generic)) or getattr(x, "ndim", None) == 0
    return scalar and np.asarray(x).dtype.kind in "biuf"


def _statistic(x: Floats) -> Statistic:
    return Statistic(
        float(x.mean()), _mcse(x), float(x.std(ddof=1)) if x.size > 1 else math.nan, _rhat(x), _ess(x, method="bulk"),
        _ess(x, method="tail", prob=(0.05, 0.95)),
    )


def _rhat(x: Floats) -> float:
    from arviz_stats.base import array_stats

    if not _tells(x) or len(x) < 2:
        return math.nan
    with np.errstate(divide="ignore", invalid="ignore"):  # chains that never move; |x - median| all the same
        return float(array_stats.rhat(x))


def _ess(x: Floats, **what: Any) -> float:
    from arviz_stats.base import array_stats

    return float(array_stats.ess(x, **what)) if _tells(x) else math.nan


def _mcse(x: Floats) -> float:
    from arviz_stats.base import array_stats

    return float(array_stats.mcse(x)) if _tells(x) else math.nan


def _tells(x: Floats) -> bool:
    """Whether there are enough draws, finite and not all the same (up to the rounding of sums)."""
    if x.shape[1] < MIN_DRAWS or not np.isfinite(x).all():
        return False
    return bool(np.ptp(x) > _ROUNDING * np.abs(x).max())
