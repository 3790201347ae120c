"""The steps of a fit: estimate the gradient, move the parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from steersman.ppl.keys import Key
from steersman.ppl.parameters import BadParameters

from ..run import Run
from ..run.sizes import whole
from .ascent import Ascent
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

    def resume(self, values: list[float]) -> None:
        """Take account of the steps before a checkpoint."""
        for t in range(len(values)):
            self.exhausted(values[: t + 1])

    def exhausted(self, values: list[float]) -> bool:
        mean = float(np.mean(values[-self.window :]))
        if len(values) < self.window or mean > self.best:
            self.best, self.since = (mean if len(values) >= self.window else self.best), 0
        else:
            self.since += 1
        return self.since >= self.steps


@dataclass
class Training:
    """values: of the objective, one a step."""

    guide: Guide
    evaluation: Evaluation
    ascent: Ascent
    draws: int
    estimators: Estimators
    values: list[float] = field(default_factory=list)

    async def step(self, run: Run, key: Key) -> Estimate:
        """One step of gradient ascent. The keys of step t depend on t alone, so that a fit that is resumed goes on as
        if it had never stopped."""
        t = len(self.values)
        model = self.guide.applied(run.model)
        found = await estimate(run, model, self.evaluation, self.draws, key.fold(t), t, self.estimators)
        self.guide.add(row.trainable for those in found.draws for e in those for row in e.rows)
        for trainable in self.guide.trainables:
            gradient = found.gradient.get(trainable.name)
            if gradient is not None:  # some execution of this step depended on it
                self.ascent.move(trainable, gradient)
        self.values.append(found.value)
        return found

    def save(self, folder: Path) -> None:
        """A checkpoint: parameters, states of the optimiser, values so far."""
        self.guide.save(folder)
        write_arrays(folder / STATE, {"values": np.array(self.values), **named_leaves(self.ascent.states)})

    def load(self, folder: Path) -> bool:
        """Go on from a checkpoint, if there is one."""
        if not (folder / STATE).is_file():
            return False
        try:
            self.guide.load(folder)
        except BadParameters as error:
            error.add_note("a fit that goes on from a checkpoint must know all of: Guide(proposer, *trainables)")
            raise
        arrays = read_arrays(folder / STATE)
        self.values = arrays.pop("values").tolist()
        met = {name.split("/")[0] for name in arrays}
        like = {t.name: self.ascent.optimiser.init(t.params) for t in self.guide.trainables if t.name in met}
        fresh = named_leaves(like)  # of parameters that were met, and not moved, before the checkpoint
        self.ascent.states = restored({**fresh, **arrays}, like, str(folder / STATE))
        return True


def training(
    guide: Guide, objective: Objective, optimiser: Any, draws: int, estimators: Estimators | None
) -> Training:
    """optimiser: as for `Ascent`."""
    whole("fit", draws=draws)
    return Training(guide, Evaluation(objective), Ascent(optimiser), draws, checked(estimators))
