"""What each density of an execution weighs in the gradient of an objective."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .evaluate import Array, Evaluated, Evaluation
from .execution import Row


@dataclass(frozen=True)
class Weights:
    """Of the executions of one expectation.

    partials: the derivatives of the objective by the log densities that are asked for, by what they are of. fixed: the
    same of densities whose parameters are frozen, which still move along a path. score: h - b. scored: whether the
    gradient flows through what was drawn.
    """

    partials: Mapping[str, Array]
    fixed: Mapping[str, Array]
    score: Array
    scored: bool

    @classmethod
    def of(cls, evaluation: Evaluation, evaluated: Evaluated, number: int) -> Weights:
        draws, values = evaluation.plan.draws[number], evaluated.values
        baselines = np.nan_to_num(evaluated.baselines[number], nan=0.0, posinf=0.0, neginf=0.0)
        names = "model", "prior", "likelihood", "guide", "redrawn"
        partials, fixed = ({name: np.zeros(baselines.size) for name in names} for _ in range(2))
        for (measure, of), partial in zip(evaluation.plan.densities, evaluated.partials, strict=True):
            if of == number:
                (fixed if measure.frozen else partials)[measure.of] += partial.ravel()
        score = (values.reshape(len(values), *[1] * len(draws.shape)) - baselines).ravel()
        return cls(partials, fixed, score, not draws.frozen)

    def at(self, k: int, row: Row, through: bool) -> float:
        """The weight of a row of execution k; through: the gradient flows through its value by its score."""
        part = self.partials
        if row.role == "p":
            of = "prior" if row.site.kind == "sample" else "likelihood"
            return row.power * float(part["model"][k] + part[of][k])
        weight = float(part["guide"][k])
        if row.drawn:
            weight += float(part["redrawn"][k])
        return weight + float(self.score[k]) if through else weight

    def moving(self, of: str) -> Array:
        """The derivatives by all densities of a kind, frozen or not: along a path, all of them move."""
        return self.partials[of] + self.fixed[of]
