"""Posteriors for ArviZ and matplotlib; both are optional (`pip install steersman[plots]`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from steersman.ppl.address import format_address
from steersman.ppl.trace import Trace

from ..chain.chains import OPTIMISATION

if TYPE_CHECKING:
    from .posterior import Posterior


def to_arviz(
    posterior: Posterior, f: Callable[[Any], dict[str, Any]] | None = None, *, resampled: bool = True
) -> Any:
    """An ArviZ data set (InferenceData before ArviZ 1, DataTree since): variables [chain, draw, ...] in `posterior`,
    and `lp`, the log joint density (nats), in `sample_stats`.

    Markov chains keep their chains and draws. Weighted particles become one chain, because ArviZ knows no weights:
    n draws by weight (they repeat particles, so the ESS of ArviZ says nothing: `posterior.ess` does), or, with
    resampled=False, every particle of positive weight once, its normalised weight in ``sample_stats.weight``:
    ``az.extract(data, num_samples=k, weights=data.sample_stats.weight.values[0])`` (ArviZ 1) draws by it; the
    summaries of ArviZ ignore it.

    f: from a return value to {variable: number or array}, each of which becomes an array [chain, draw, ...]; by default
    every numeric choice that all traces have, under its address. Raises ValueError when there is none, no particle has
    finished, or the chains were annealed (their states are no draws); ImportError without ArviZ.
    """
    try:
        import arviz
    except ImportError:
        raise ImportError("to_arviz needs ArviZ: pip install 'steersman[plots]'") from None
    traces, weights, chains = _draws(posterior, resampled)
    rows = [f(t.value) if f is not None else _numbers(t) for t in traces]
    names = [n for n in rows[0] if all(n in r and np.shape(r[n]) == np.shape(rows[0][n]) for r in rows)]
    if not names:
        raise ValueError("to_arviz: no numeric choice is common to all traces; pass f(value) -> {name: number}")
    columns = {n: [r[n] for r in rows] for n in names}
    stats = {"lp": [t.log_joint for t in traces], **weights}
    groups = {"posterior": _in_chains(columns, chains), "sample_stats": _in_chains(stats, chains)}
    return arviz.from_dict(**groups) if int(arviz.__version__.split(".")[0]) < 1 else arviz.from_dict(groups)


def _draws(posterior: Posterior, resampled: bool) -> tuple[list[Trace], dict[str, list[float]], int]:
    """The traces of all draws, what else there is to tell of each of them, and how many chains they are."""
    if posterior.chains is not None and posterior.chains.optimises:
        raise ValueError(f"to_arviz: {posterior.method} was {OPTIMISATION}")
    weighted = posterior.weighted_traces()
    traces = [t for _, t in weighted]
    if posterior.chains is not None:
        return traces, {}, posterior.chains.chains
    W = [w for w, _ in weighted]
    if not resampled:
        return traces, {"weight": W}, 1
    picks = np.random.default_rng(0).choice(len(traces), len(posterior), p=W)
    return [traces[i] for i in picks], {}, 1


def _in_chains(columns: Mapping[str, list[Any]], chains: int) -> dict[str, Any]:
    """Arrays [chain, draw, ...]."""
    arrays = {name: np.array(column) for name, column in columns.items()}
    return {name: x.reshape(chains, -1, *x.shape[1:]) for name, x in arrays.items()}


def _numbers(trace: Trace) -> dict[str, Any]:
    return {
        format_address(a): v for a, v in trace.choices().items()
        if not isinstance(v, (str, bytes)) and np.issubdtype(np.asarray(v).dtype, np.number)
    }


def plot(posterior: Posterior, f: Callable[[Any], float] | None = None) -> Any:
    """Left: the weighted histogram of f; by default the sorted weights, or the log joint density of each chain over
    its draws. Right: how many ancestors of each generation have final descendants, where there is a genealogy. A
    matplotlib Figure. Raises ValueError for an f without a finished particle, ImportError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError("plot needs matplotlib: pip install 'steersman[plots]'") from None
    genealogy = posterior.genealogy
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots(1, 1 if genealogy is None else 2, squeeze=False)[0]
    chains = posterior.chains
    if f is None and chains is not None and len(posterior):
        log_p = np.array([t.log_joint for _, t in posterior.weighted_traces()])
        axes[0].plot(log_p.reshape(chains.chains, -1).T, linewidth=0.8)
        axes[0].set(xlabel="draw", ylabel="log density (nats)")
    elif f is None:
        axes[0].bar(np.arange(len(posterior)), np.sort(posterior.weights)[::-1])
        axes[0].set(xlabel="particle, by weight", ylabel="weight")
    else:
        pairs = [(f(t.value), w) for w, t in posterior.weighted_traces()]
        axes[0].hist([x for x, _ in pairs], weights=[w for _, w in pairs], bins=30)
        axes[0].set(xlabel=getattr(f, "__name__", "f"), ylabel="probability")
    told = f"log Z = {posterior.log_evidence:.2f}, ESS {posterior.ess:.1f}" if chains is None else str(chains)
    axes[0].set_title(f"{posterior.method}: {told}")
    if genealogy is not None:
        axes[1].plot(genealogy.unique_ancestors())
        axes[1].set(xlabel="generation", ylabel="ancestors with descendants", ylim=(0, None))
    return figure
