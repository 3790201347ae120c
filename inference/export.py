"""Posteriors for ArviZ and matplotlib; both are optional (`pip install steersman[plots]`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from steersman.ppl.address import format_address

if TYPE_CHECKING:
    from .posterior import Posterior


def to_arviz(posterior: Posterior, f: Callable[[Any], dict[str, Any]] | None = None) -> Any:
    """An ArviZ data set with one chain of n draws, resampled by weight because ArviZ knows no weights.

    f: from a return value to {variable: number or array}; by default every numeric choice that all traces have, under
    its address. Raises ValueError when there is none, ImportError without ArviZ.
    """
    try:
        import arviz
    except ImportError:
        raise ImportError("to_arviz needs ArviZ: pip install 'steersman[plots]'") from None
    rng = np.random.default_rng(0)
    W = posterior.weights
    picks = rng.choice(len(W), len(W), p=W)
    traces = [posterior.traces[i] for i in picks]
    rows = [f(t.value) if f is not None else _numbers(t) for t in traces if t is not None]
    names = [n for n in rows[0] if all(n in r and np.shape(r[n]) == np.shape(rows[0][n]) for r in rows)]
    if not names:
        raise ValueError("to_arviz: no numeric choice is common to all traces; pass f(value) -> {name: number}")
    data = {n: np.array([[r[n] for r in rows]]) for n in names}
    return arviz.from_dict({"posterior": data})


def _numbers(trace: Any) -> dict[str, Any]:
    return {
        format_address(a): v for a, v in trace.choices().items()
        if not isinstance(v, (str, bytes)) and np.issubdtype(np.asarray(v).dtype, np.number)
    }


def plot(posterior: Posterior, f: Callable[[Any], float] | None = None) -> Any:
    """Left: the sorted weights (or the weighted histogram of f); right: how many ancestors of each generation have
    final descendants, where there is a genealogy."""
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
        held = zip(posterior.traces, posterior.weights, strict=True)
        pairs = [(f(t.value), w) for t, w in held if t is not None and w]
        axes[0].hist([x for x, _ in pairs], weights=[w for _, w in pairs], bins=30)
        axes[0].set(xlabel=getattr(f, "__name__", "f"), ylabel="probability")
    axes[0].set_title(f"{posterior.method}: log Z = {posterior.log_evidence:.2f}, ESS {posterior.ess:.1f}")
    if genealogy is not None:
        axes[1].plot(genealogy.unique_ancestors())
        axes[1].set(xlabel="generation", ylabel="ancestors with descendants", ylim=(0, None))
    return figure
