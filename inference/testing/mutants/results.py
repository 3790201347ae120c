"""Bugs of results: draws and tables made from a correct population."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from steersman.ppl.keys import Key

from ...draws.waves import Draws
from ...importance import Importance
from ...posterior import Posterior
from ...run import Run
from .planting import recast


class _Unweighted(Posterior):
    def sample(self, k: int | None = None, *, seed: int | Key = 0) -> Any:
        key = seed if isinstance(seed, Key) else Key(seed)
        values = [t.value for t in self.traces if t is not None]
        drawn = [values[int(u * len(values))] for u in key.uniforms(1 if k is None else k)]
        return drawn[0] if k is None else drawn


class DrawIgnoresWeights(Importance):
    """`sample` picks particles uniformly."""

    def result(self, run: Run, state: Draws) -> Posterior:
        return recast(super().result(run, state), _Unweighted)


class _DoubleCounting(Posterior):
    def probabilities(self, f: Callable[[Any], Hashable] | None = None) -> dict[Any, float]:
        table = super().probabilities(f)
        held = [t.value if f is None else f(t.value) for t in self.traces if t is not None]
        counted = {v: p * max(1, held.count(v)) for v, p in table.items()}
        total = sum(counted.values())
        return {v: p / total for v, p in counted.items()}


class DuplicatesDoubleCounted(Importance):
    """The table of probabilities counts equal values once more for every copy, on top of their summed weight."""

    def result(self, run: Run, state: Draws) -> Posterior:
        return recast(super().result(run, state), _DoubleCounting)
