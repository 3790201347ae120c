"""An unbiased estimate of the gradient of an objective.

With x ~ q, h a function of log densities, and all draws of the objective independent given what they are given:

    grad E[h] = E[ sum_draws (h - b) grad log q(x) + sum_densities dh/dlog f  grad log f(x) ]

for any b that does not depend on the draw (score function, Williams 1992; baselines: `evaluate`); other estimators
take the place of the first term where they are asked for (`estimators`). Every density that depends on parameters is a
`Row`; the rows of one `Trainable` are differentiated by one call.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from steersman.ppl.answer import OUTSIDE
from steersman.ppl.effects import Invocation
from steersman.ppl.errors import OutsideSupport, SteersmanError
from steersman.ppl.keys import Key
from steersman.ppl.particle import Particle
from steersman.ppl.trainable import Trainable

from ..run import Run
from .estimators import Drawn, Estimators, along_paths, enumerated, measure_valued
from .evaluate import Array, Evaluated, Evaluation
from .execution import Execution, Row, executions
from .family import Family
from .objective import Draws
from .parameters import add, not_finite
from .weights import Weights


class NonFinite(SteersmanError, ArithmeticError):
    """An objective, or a gradient, that is no finite number."""


@dataclass(frozen=True)
class Estimate:
    """value: of the objective, the mean of `values` [N] over replicates. gradient: by name of the trainable, trees like
    its parameters. draws: the executions of each expectation. log_weights: log p - log q of those of the first."""

    value: float
    values: Array
    gradient: dict[str, Any]
    draws: list[list[Execution]]

    @property
    def log_weights(self) -> Array:
        return np.array([e.log_density("model") - e.log_density("guide") for e in self.draws[0]])


async def estimate(
    run: Run, model: Invocation[Any], evaluation: Evaluation, replicates: int, key: Key, step: int = 0,
    estimators: Estimators | None = None,
) -> Estimate:
    """One estimate from `replicates` independent evaluations of the objective on new executions of the guided model.

    estimators: by name of the site, where it is not to be the score function. Raises NonFinite naming the step and the
    site, where the objective or a gradient is not finite.
    """
    drawn: list[list[Execution]] = []
    for draws in evaluation.plan.draws:
        drawn.append(await _draw(run, model, draws, replicates, key, drawn))
    _check_support(drawn, step)
    densities = [
        np.array([e.log_density(measure.of) for e in drawn[number]]).reshape(
            replicates, *evaluation.plan.draws[number].shape
        )
        for measure, number in evaluation.plan.densities
    ]
    evaluated = evaluation(densities)
    _check_values(evaluated, drawn, step)
    rows: list[tuple[Row, float]] = []
    found: list[dict[str, Any]] = []
    for number, those in enumerate(drawn):
        about = Drawn(run, model, evaluation, number, those, densities)
        weights = Weights.of(evaluation, evaluated, number)
        paths, handled = along_paths(run.model, those, weights, estimators or {})
        found += paths
        others: dict[str, list[tuple[int, Row]]] = {}
        for k, execution in enumerate(those):
            for row in execution.rows:
                if (k, id(row)) in handled:
                    continue
                chosen = (estimators or {}).get(row.address[-2], "score")
                through = weights.scored and row.drawn
                if through and chosen in ("enumerate", "measure-valued"):
                    others.setdefault(chosen, []).append((k, row))
                    through = False
                rows.append((row, weights.at(k, row, through)))
        if "enumerate" in others:
            rows += await enumerated(about, others["enumerate"], key.fold(number, 1))
        if "measure-valued" in others:
            differences = await measure_valued(about, others["measure-valued"], key.fold(number, 2))
            found += _arguments(differences)
    found.append(gather([(row, w) for row, w in rows if w]))
    gradient = {
        name: jax.tree.map(lambda g: g / replicates, add([f[name] for f in found if name in f]))
        for name in dict.fromkeys(n for f in found for n in f)
    }
    for name, tree in gradient.items():
        if (leaf := not_finite(tree)) is not None:
            raise NonFinite(f"step {step}: the gradient of {name}{leaf} is not finite{_culprits(drawn, name)}")
    return Estimate(float(evaluated.values.mean()), evaluated.values, gradient, drawn)


def gather(rows: Sequence[tuple[Row, float]]) -> dict[str, Any]:
    """sum_i w_i grad log f_i, by name of the trainable: one call for each."""
    by: dict[str, tuple[Trainable, list[tuple[Row, float]]]] = {}
    for row, weight in rows:
        known, members = by.setdefault(row.trainable.name, (row.trainable, []))
        if known is not row.trainable:
            raise ValueError(f"two trainables are called {row.trainable.name!r}: give them different names")
        members.append((row, weight))
    return {
        name: trainable.gradient(
            [r.subject for r, _ in members], [r.value for r, _ in members], np.array([w for _, w in members])
        )
        for name, (trainable, members) in by.items()
    }


def _arguments(differences: Sequence[tuple[Row, str, float]]) -> list[dict[str, Any]]:
    """sum_i w_i grad a_i, by the family and the name of the argument."""
    by: dict[tuple[int, str], list[tuple[Row, float]]] = {}
    for row, parameter, weight in differences:
        by.setdefault((id(row.trainable), parameter), []).append((row, weight))
    found = []
    for (_, parameter), members in by.items():
        family = members[0][0].trainable
        assert isinstance(family, Family)
        weights = np.array([w for _, w in members])
        found.append({family.name: family.argument_gradient([r.dist for r, _ in members], parameter, weights)})
    return found


async def _draw(
    run: Run, model: Invocation[Any], draws: Draws, replicates: int, key: Key, drawn: Sequence[Sequence[Execution]]
) -> list[Execution]:
    n = replicates * math.prod(draws.shape)
    if draws.given is None:
        return await executions(run, model, range(n), key.fold(draws.number))
    base, repeat = drawn[draws.given], draws.shape[-1]
    assert n == len(base) * repeat
    kept: list[dict[Any, Any]] = [_kept(e, draws.keep) for e in base for _ in range(repeat)]

    def choose(p: Particle) -> tuple[bool, Any]:
        return (True, kept[p.slot][p.address]) if p.address in kept[p.slot] else (False, None)

    return await executions(run, model, range(n), key.fold(draws.number), choose)


def _kept(execution: Execution, names: frozenset[Hashable]) -> dict[Any, Any]:
    return {a: v for a, v in execution.trace.choices().items() if a[-2] in names}


def _check_values(evaluated: Evaluated, drawn: Sequence[Sequence[Execution]], step: int) -> None:
    if np.isfinite(evaluated.values).all():
        return
    killers = sorted({e.killed_by for those in drawn for e in those if e.killed_by is not None})
    why = f": executions died at {', '.join(killers[:4])}, so that log p is -inf there. A guide must rule that out; " \
        "or use an objective that weighs (wake, dpg, iwelbo), which gives them no weight" if killers else ""
    raise NonFinite(f"step {step}: the objective is {evaluated.values[~np.isfinite(evaluated.values)][0]}{why}")


def _check_support(drawn: Sequence[Sequence[Execution]], step: int) -> None:
    """Raise OutsideSupport where the guide has drawn nothing that the program can make: no step would change that."""
    killers = [e.killed_by for those in drawn for e in those]
    if killers and all(k is not None and k.endswith(OUTSIDE) for k in killers):
        raise OutsideSupport(
            f"step {step}: all {len(killers)} executions died at {', '.join(sorted(set(map(str, killers))))}: the "
            "guide draws what the program gives no probability. Propose from a distribution with the support of the "
            "program's own; automatic guides (AutoGuide) do"
        )


def _culprits(drawn: Sequence[Sequence[Execution]], name: str) -> str:
    from steersman.ppl.address import format_address

    sites = dict.fromkeys(
        format_address(r.address) for those in drawn for e in those for r in e.rows if r.trainable.name == name
    )
    return f"; it comes from the sites {', '.join(list(sites)[:6])}"
