"""A posterior as one strict JSON object.

Numbers that JSON does not have: -inf and inf are the strings "-inf" and "inf" (what `float` of Python and `Number`-like
readers of most languages take), and what is unknown (nan) is null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from steersman.inference import Posterior


def record(posterior: Posterior, **more: Any) -> dict[str, Any]:
    """What `--json` prints. values, weights: one for each particle, in order; null and 0 for one that died or did not
    finish. killed: site -> how many particles it killed. more: what comes first."""
    chains = posterior.chains
    return {
        **more,
        "method": posterior.method,
        "seed": posterior.seed,
        "log_evidence": posterior.log_evidence,
        "log_evidence_error": posterior.log_evidence_error,
        "ess": posterior.ess,
        "values": posterior.values,
        "weights": posterior.weights,
        "cost": asdict(posterior.cost),
        "stopped": posterior.stopped,
        "killed": posterior.killed,
        "chains": None if chains is None else {
            "chains": chains.chains, "draws": chains.draws, "acceptance": chains.acceptance(), "claim": chains.claim,
        },
    }


def print_json(value: Any) -> None:
    typer.echo(json.dumps(strict(value), allow_nan=False))


def strict(value: Any) -> Any:
    """A value in the types of JSON; what has no image there is its text."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None if math.isnan(value) else str(float(value))
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {k if isinstance(k, str) else str(k): strict(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(v) for v in value]
    if hasattr(value, "tolist"):
        return strict(value.tolist())
    return str(value)
