"""Posteriors for ArviZ and matplotlib; both are optional (`pip install steersman[plots]`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from steersman.ppl.address import format_address
from steersman.ppl.trace import Trace

if TYPE_CHECKING:
    from .posterior import Posterior


def to_arviz(posterior: Posterior, f: Callable[[Any], dict[str, Any]] | None = None) -> Any:
    """An ArviZ data set (InferenceData before ArviZ 1, DataTree since) with one chain of n draws, resampled by weight
    because ArviZ knows no weights. Draws repeat particles, so the ESS of ArviZ says nothing: `posterior.ess` does.

    f: from a return value to {variable: number or array}, each of which becomes an array [1, n, ...]; by default every
    numeric choice that all drawn traces have, under its address. Raises ValueError when there is none or no particle
    has finished, ImportError without ArviZ.
    """
    try:
        import arviz
    except ImportError:
        raise ImportError("to_arviz needs ArviZ: pip install 'steersman[plots]'") from None
    rng = np.random.default_rng(0)
    weighted = posterior.weighted_traces()
    picks = rng.choice(len(weighted), len(posterior), p=[w for w, _ in weighted])
    traces = [weighted[i][1] for i in picks]
    rows = [f(t.value) if f is not None else _numbers(t) for t in traces]
    names = [n for n in rows[0] if all(n in r and np.shape(r[n]) == np.shape(rows[0][n]) for r in rows)]
    if not names:
        raise ValueError("to_arviz: no numeric choice is common to all traces; pass f(value) -> {name: number}")
    data = {n: np.array([[r[n] for r in rows]]) for n in names}
    if int(arviz.__version__.split(".")[0]) < 1:
        return arviz.from_dict(posterior=data)
    return arviz.from_dict({"posterior": data})


def _numbers(trace: Trace) -> dict[str, Any]:
    return {
        format_address(a): v for a, v in trace.choices().items()
        if not isinstance(v, (str, bytes)) and np.issubdtype(np.asarray(v).dtype, np.number)
    }


def plot(posterior: Posterior, f: Callable[[Any], float] | None = None) -> Any:
    """Left: the sorted weights (or the weighted histogram of f); right: how many ancestors of each generation have
    final descendants, where there is a genealogy. A matplotlib Figure. Raises ValueError for an f without a finished
    particle, ImportError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError("plot needs matplotlib: pip install 'steersman[plots]'") from None
    genealogy = posterior.genealogy
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots(1, 1 if genealogy is None else 2, squeeze=False)[0]
    if f is None:
        axes[0].bar(np.arange(len(posterior)), np.sort(posterior.weights)[::-1])
        axes[0].set(xlabel="particle, by weight", ylabel="weight")
    else:
        pairs = [(f(t.value), w) for w, t in posterior.weighted_traces()]
        axes[0].hist([x for x, _ in pairs], weights=[w for _, w in pairs], bins=30)
        axes[0].set(xlabel=getattr(f, "__name__", "f"), ylabel="probability")
    axes[0].set_title(f"{posterior.method}: log Z = {posterior.log_evidence:.2f}, ESS {posterior.ess:.1f}")
    if genealogy is not None:
        axes[1].plot(genealogy.unique_ancestors())
        axes[1].set(xlabel="generation", ylabel="ancestors with descendants", ylim=(0, None))
    return figure
