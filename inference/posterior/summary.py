"""The table at the end of a run."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from steersman.ppl.visible import visible

from ..chain.chains import OPTIMISATION
from ..diagnostics.pareto import heavy_tail

if TYPE_CHECKING:
    from rich.table import Table

    from .posterior import Posterior


def summarise(posterior: Posterior, limit: int = 10, width: int = 100) -> str:
    """The table of a posterior, then log Z, ESS and cost, as plain text."""
    return f"{as_text(table(posterior, limit), width)}\n\n{footer(posterior)}"


def table(posterior: Posterior, limit: int = 10) -> Table:
    """The most probable values with their probability (after annealing: the best, with their log joint density)."""
    from rich.table import Table

    optimises = posterior.chains is not None and posterior.chains.optimises
    shown = Table(box=None, pad_edge=False, show_header=True, header_style="")
    shown.add_column("log density" if optimises else "p", justify="right", no_wrap=True)
    shown.add_column("value", overflow="fold")
    ranked: dict[Any, float] = {}
    if posterior.weights.any():
        ranked = candidates(posterior) if optimises else posterior.probabilities()
    for value, x in list(ranked.items())[:limit]:
        shown.add_row(f"{x:.4f}", visible(str(value).strip() if isinstance(value, str) else repr(value)))
    if len(ranked) > limit:
        shown.add_row("", f"... and {len(ranked) - limit} more")
    if not ranked:
        none = "no particle has finished with positive weight" if posterior.chains is None else "no draw was kept"
        shown.add_row("-", none)
    return shown


def as_text(shown: Any, width: int = 100) -> str:
    """A rich table as plain text."""
    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=width, color_system=None, markup=False, highlight=False).print(shown)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip().split("\n"))


def footer(posterior: Posterior) -> str:
    """One line: log Z with its standard error and ESS, or how the Markov chains fared; then the cost."""
    stopped = f"; stopped: {posterior.stopped}" if posterior.stopped else ""
    if posterior.chains is not None:
        told = chain_summary(posterior)
    else:
        k = heavy_tail(posterior)
        tail = "" if k is None else f", heavy tail (Pareto k {k:.2f})"
        told = f"{_log_z(posterior)}, ESS {posterior.ess:.1f} of {len(posterior)}{tail}"
    return f"{posterior.method}: {told}, {expense(posterior)}{stopped}"


def expense(posterior: Posterior) -> str:
    """The cost in words."""
    c = posterior.cost
    rewards = f", {c.rewards:,} reward calls" if c.rewards else ""
    return f"{c.tokens:,} tokens, {c.calls:,} LM calls{rewards}, {c.seconds:.1f} s"


def evidence(posterior: Posterior) -> tuple[str, str]:
    """("log Z", its estimate and in brackets its error); "log Z so far" of a target that is not complete."""
    error = posterior.log_evidence_error
    shown = "exact" if error == 0 else "error unknown" if not math.isfinite(error) else f"± {error:.2f}"
    return "log Z" if posterior.finished is None else "log Z so far", f"{posterior.log_evidence:.2f} ({shown})"


def _log_z(posterior: Posterior) -> str:
    return " = ".join(evidence(posterior))


def chain_summary(posterior: Posterior) -> str:
    """How Markov chains fared: draws, acceptance, R-hat and ESS of the log density."""
    from ..diagnostics.convergence import ess_bulk, rhat

    chains = posterior.chains
    assert chains is not None
    if not len(posterior):
        return str(chains)
    if chains.optimises:
        return f"{OPTIMISATION}; {chains}, log density of the best {posterior.best().log_joint:.2f}"
    told = [str(chains)]
    if not math.isnan(r := rhat(posterior)):
        told.append(f"R-hat {r:.2f}")
    if not math.isnan(n := ess_bulk(posterior)):
        told.append(f"bulk ESS {n:.0f} (log density)")
    if not math.isnan(posterior.log_evidence):
        told.append(_log_z(posterior))
    return ", ".join(told)


def candidates(posterior: Posterior) -> dict[Any, float]:
    """Return value -> log joint density of its best trace, the best first."""
    from .posterior import _hashable

    assert posterior.chains is not None
    traces = [t for _, t in posterior.weighted_traces()]
    scores = posterior.chains.scores or [t.log_joint for t in traces]
    table: dict[Any, float] = {}
    for i in np.argsort(scores)[::-1]:
        table.setdefault(_hashable(traces[i].value), traces[i].log_joint)
    return table
