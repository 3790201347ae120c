"""Posteriors as JSON files."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from steersman.ppl.encode import decode_value, encode_value
from steersman.ppl.trace import Trace

from ..chain.chains import Chains
from .genealogy import Genealogy
from .history_storage import decode_history, encode_history

if TYPE_CHECKING:
    from .posterior import Posterior

_FORMAT = "steersman-posterior-1"


def save(posterior: Posterior, path: str | Path) -> None:
    """Write a posterior; the file is replaced only once it is complete."""
    data = {
        "format": _FORMAT,
        "method": posterior.method,
        "seed": posterior.seed,
        "log_evidence": encode_value(float(posterior.log_evidence)),
        "log_evidence_error": encode_value(float(posterior.log_evidence_error)),
        "cost": asdict(posterior.cost),
        "stopped": posterior.stopped,
        "finished": None if posterior.finished is None else posterior.finished.tolist(),
        "log_weights": [encode_value(float(w)) for w in posterior.log_weights],
        "traces": [None if t is None else t.to_json() for t in posterior.traces],
        "genealogy": None if posterior.genealogy is None else posterior.genealogy.to_json(),
        "chains": None if posterior.chains is None else posterior.chains.to_json(),
        "info": encode_value(dict(posterior.info)),
        "history": None if posterior.history is None else encode_history(posterior.history),
        "killed": dict(posterior.killed),
        "program": posterior.program,
    }
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(data), encoding="utf-8")
    partial.replace(path)


def load(path: str | Path) -> Posterior:
    """Read a posterior. Raises ValueError, naming the file, for anything that `save` did not write."""
    try:
        data: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a saved posterior: {error}") from None
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise ValueError(f"{path} is not a saved posterior: it lacks the mark {_FORMAT!r}")
    try:
        return _read(data)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a whole saved posterior: {type(error).__name__}: {error}") from error


def _read(data: dict[str, Any]) -> Posterior:
    from .posterior import Cost, Posterior

    chains, info, history = (data.get(name) for name in ("chains", "info", "history"))  # the first files had none
    return Posterior(
        [None if t is None else Trace.from_json(t) for t in data["traces"]],
        np.array([decode_value(w) for w in data["log_weights"]], np.float64),
        decode_value(data["log_evidence"]), decode_value(data["log_evidence_error"]), Cost(**data["cost"]),
        data["method"], data["seed"],
        None if data["genealogy"] is None else Genealogy.from_json(data["genealogy"]), data["stopped"],
        None if data["finished"] is None else np.array(data["finished"], np.bool_),
        None if chains is None else Chains.from_json(chains), {} if info is None else decode_value(info),
        None if history is None else decode_history(history), data.get("killed", {}),
        data.get("program"),
    )
