"""The steps of a fit: estimate the gradient, move the parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax  # type: ignore[import-untyped]

from steersman.ppl.keys import Key

from ..run import Run
from ..sizes import whole
from .auto.grow import grown
from .estimators import Estimators, checked
from .evaluate import Evaluation
from .gradient import Estimate, estimate
from .guide import Guide
from .objective import Objective
from .storage import named_leaves, read_arrays, restored, write_arrays

STATE = "state.safetensors"


@dataclass
class Patience:
    """Stop when the mean objective of the last `window` steps has not risen for `steps` steps."""

    steps: int
    window: int = 20
    best: float = -math.inf
    since: int = 0

    def exhausted(self, values: list[float]) -> bool:
        mean = float(np.mean(values[-self.window :]))
        if len(values) < self.window or mean > self.best:
            self.best, self.since = (mean if len(values) >= self.window else self.best), 0
        else:
            self.since += 1
        return self.since >= self.steps


@dataclass
class Training:
    """values: of the objective, one a step. optimiser states by name of the trainable."""

    guide: Guide
    evaluation: Evaluation
    optimiser: Any
    draws: int
    estimators: Estimators
    values: list[float] = field(default_factory=list)
    states: dict[str, Any] = field(default_factory=dict)

    async def step(self, run: Run, key: Key) -> Estimate:
        """One step of gradient ascent. The keys of step t depend on t alone, so that a fit that is resumed goes on as
        if it had never stopped."""
        t = len(self.values)
        model = self.guide.applied(run.model)
        found = await estimate(run, model, self.evaluation, self.draws, key.fold(t), t, self.estimators)
        self.guide.add(row.trainable for those in found.draws for e in those for row in e.rows)
        for trainable in self.guide.trainables:
            gradient = found.gradient.get(trainable.name)
            if gradient is None:  # no execution of this step depended on it
                continue
            state = self._state(trainable.name, trainable.params)
            updates, self.states[trainable.name] = self.optimiser.update(
                jax.tree.map(lambda g: -g, gradient), state, trainable.params
            )
            trainable.params = optax.apply_updates(trainable.params, updates)
        self.values.append(found.value)
        return found

    def _state(self, name: str, params: Any) -> Any:
        """With a beginning for parameters that were met since."""
        fresh = self.optimiser.init(params)
        return grown(self.states[name], fresh) if name in self.states else fresh

    def save(self, folder: Path) -> None:
        """A checkpoint: parameters, states of the optimiser, values so far."""
        self.guide.save(folder)
        write_arrays(folder / STATE, {"values": np.array(self.values), **named_leaves(self.states)})

    def load(self, folder: Path) -> bool:
        """Go on from a checkpoint, if there is one."""
        if not (folder / STATE).is_file():
            return False
        self.guide.load(folder)
        arrays = read_arrays(folder / STATE)
        self.values = arrays.pop("values").tolist()
        met = {name.split("/")[0] for name in arrays}
        like = {t.name: self.optimiser.init(t.params) for t in self.guide.trainables if t.name in met}
        self.states = restored(arrays, like, str(folder / STATE))
        return True


def training(
    guide: Guide, objective: Objective, optimiser: Any, draws: int, estimators: Estimators | None
) -> Training:
    """optimiser: an optax transformation, or a learning rate for Adam."""
    whole("fit", draws=draws)
    if isinstance(optimiser, (int, float)):
        if not 0 < optimiser < math.inf:
            raise ValueError(f"the learning rate {optimiser!r} must be positive and finite")
        optimiser = optax.adam(optimiser)
    if not hasattr(optimiser, "update"):
        raise TypeError(f"optimiser={optimiser!r}: expected an optax transformation or a learning rate")
    return Training(guide, Evaluation(objective), optimiser, draws, checked(estimators))
