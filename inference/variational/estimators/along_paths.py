"""The reparameterised part of a gradient: which executions have one, and what it comes to."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from steersman.ppl.address import Address, format_address
from steersman.ppl.effects import Invocation
from steersman.ppl.errors import TracedControlFlow

from ..auto.gaussian import Gaussian
from ..execution import Execution, Row
from ..param_set import ParamSet
from ..weights import Weights
from .choice import Estimators
from .param_path import has_path, param_path_gradient
from .reparameterised import path_gradient

Handled = set[tuple[int, int]]  # (number of the execution, id of the row) of rows that need no weight of their own


def along_paths(
    program: Invocation[Any], executions: Sequence[Execution], weights: Weights, estimators: Estimators
) -> tuple[list[dict[str, Any]], Handled]:
    """Gradients by name of the trainable, and the rows that they account for.

    Continuous choices of automatic guides and of guide programs with `param`s move along their paths, unless another
    estimator was asked for; where the program cannot be traced, the score takes their place, with a warning if nobody
    asked for it.
    """
    if not weights.scored:
        return [], set()
    found: list[dict[str, Any]] = []
    handled: Handled = set()
    for trainable in dict.fromkeys(r.trainable for e in executions for r in e.rows if r.role == "q"):
        if not isinstance(trainable, (Gaussian, ParamSet)):
            continue
        moved = {
            k: rows for k, e in enumerate(executions)
            if (rows := _moved(trainable, e, estimators)) and e.killed_by is None
        }
        if not moved:
            continue
        try:
            if isinstance(trainable, Gaussian):
                found += _of_automatic(trainable, program, executions, weights, moved)
                handled |= {(k, id(r)) for k, rows in moved.items() for r in rows}
            else:
                found += _of_program(trainable, program, executions, weights, estimators, moved)
                handled |= {
                    (k, id(r)) for k in moved for r in executions[k].rows if r.trainable is trainable and r.role == "q"
                }
        except (TracedControlFlow, NotCovered) as error:
            if "reparameterised" in estimators.values():
                raise
            warnings.warn(f"{trainable.name}: no gradient along the path of its choices ({error}); the score takes its "
                          "place. estimators={...: 'score'} says that this is meant", stacklevel=2)
    return found, handled


class NotCovered(TypeError):
    """A guide program whose path does not tell the whole gradient."""


def _moved(trainable: Any, execution: Execution, estimators: Estimators) -> list[Row]:
    return [
        r for r in execution.rows
        if r.trainable is trainable and r.drawn
        and estimators.get(r.address[-2], "reparameterised") == "reparameterised"
        and (isinstance(trainable, Gaussian) or has_path(r.dist))
    ]


def _of_automatic(
    guide: Gaussian, program: Invocation[Any], executions: Sequence[Execution], weights: Weights,
    moved: dict[int, list[Row]],
) -> list[dict[str, Any]]:
    ks = list(moved)
    traces = [executions[k].trace for k in ks]
    more = [_more(executions[k], {r.address for r in moved[k]}, weights, k) for k in ks]
    a, b = weights.moving("model")[ks], weights.partials["guide"][ks] + weights.partials["redrawn"][ks]
    found = [path_gradient(guide, traces, a, b, program=program, more=more)]
    fixed = weights.fixed["guide"][ks] + weights.fixed["redrawn"][ks]
    if np.any(fixed):
        found.append(
            path_gradient(guide, traces, np.zeros(len(ks)), fixed, program=program, sticking_the_landing=True)
        )
    return found


def _more(execution: Execution, moved: set[Address], weights: Weights, k: int) -> dict[Address, float]:
    """What the density of a site weighs beside that of the whole: as a part of the prior or the likelihood, and of log
    q where the guide has left the choice to the program, which has its score, too: what it is drawn from moves."""
    by_kind = {True: float(weights.moving("prior")[k]), False: float(weights.moving("likelihood")[k])}
    q = float(weights.moving("guide")[k])
    guided = moved | {r.address for r in execution.rows if r.role == "q"}
    out = {}
    for address, site in execution.trace.outer_sites():
        choice = site.kind == "sample"
        out[address] = by_kind[choice]
        if choice and address not in guided:
            if site.log_p != site.log_q and site.sub is None:
                raise NotCovered(f"{format_address(address)!r} has a proposal of its own, which may move, too")
            out[address] += q + (0.0 if site.fixed else float(weights.score[k]))
    return {address: amount for address, amount in out.items() if amount}


def _of_program(
    params: ParamSet, program: Invocation[Any], executions: Sequence[Execution], weights: Weights,
    estimators: Estimators, moved: dict[int, list[Row]],
) -> list[dict[str, Any]]:
    ks = list(moved)
    if any(np.any(weights.moving(of)[ks]) for of in ("prior", "likelihood", "redrawn")) or np.any(
        weights.fixed["guide"][ks]
    ):
        raise NotCovered("the objective asks for parts of the model, or for frozen densities of the guide")
    more: list[dict[Address, float]] = []
    for k in ks:
        own = [r for r in executions[k].rows if r.trainable is params and r.role == "q"]
        if {r.address for r in own} != set(executions[k].trace.choice_sites()):
            raise NotCovered("the guide leaves choices to the program")
        paths = {r.address for r in moved[k]}
        if any(has_path(r.dist) and r.address not in paths for r in own):
            raise NotCovered("some choices that could move along a path are to use their score")
        more.append({r.address: float(weights.score[k]) for r in own if r.address not in paths})
    a, b = weights.moving("model")[ks], weights.partials["guide"][ks]
    return [param_path_gradient(params, [executions[k].trace for k in ks], a, b, program=program, more=more)]
