"""What the programs of tasks have written."""

from __future__ import annotations

import numpy as np

from steersman.inference import Posterior

N = 32  # one population size for all tasks: they then share the compiled programs


def texts(posterior: Posterior) -> list[str]:
    """Every text with weight; a task that leaves none has failed."""
    found = [str(v) for v, w in zip(posterior.values, posterior.weights, strict=True) if w > 0]
    assert found and len(posterior) == N
    assert np.isfinite(posterior.log_evidence)
    return found
