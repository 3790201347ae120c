"""Alternative executions: what the objective would have been, had a site another value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from steersman.ppl.effects import Invocation
from steersman.ppl.keys import Key
from steersman.ppl.particle import Particle

from ...kernels.past import Past
from ...run import Run
from ..evaluate import Array, Evaluation
from ..execution import Execution, Row, executions


@dataclass(frozen=True)
class Drawn:
    """The executions of one expectation (`number`), with the log densities of all expectations, in the order of the
    plan."""

    run: Run
    model: Invocation[Any]
    evaluation: Evaluation
    number: int
    executions: Sequence[Execution]
    densities: Sequence[Array]


@dataclass(frozen=True)
class Alternative:
    """Execution `index` with another value at the site of one of its rows."""

    index: int
    row: Row
    value: Any


async def alternatives(drawn: Drawn, wanted: Sequence[Alternative], key: Key) -> Array:
    """The objective [len(wanted)] of the replicate that each belongs to, with that execution replaced: as it was up to
    the site, then the given value, then drawn anew. Costs what comes after the site. The same key gives the same draws.

    Raises NotImplementedError where another expectation is drawn given this one (`marginal`).
    """
    plan = drawn.evaluation.plan
    if any(d.given == drawn.number for d in plan.draws):
        raise NotImplementedError("estimators that try other values do not go with marginal(): choose 'score'")
    if not wanted:
        return np.zeros(0)
    pasts = [Past(drawn.executions[a.index].trace, a.row.address) for a in wanted]

    def choose(p: Particle) -> tuple[bool, Any]:
        a = wanted[p.slot]
        return (True, a.value) if p.address == a.row.address else (False, None)

    found = await executions(
        drawn.run, drawn.model, range(len(wanted)), key, choose, lambda p: pasts[p.slot](p)
    )
    size = len(drawn.executions) // len(drawn.densities[0])
    replaced = []
    for (measure, number), d in zip(plan.densities, drawn.densities, strict=True):
        rows = d[[a.index // size for a in wanted]].copy()
        if number == drawn.number:
            for i, (a, e) in enumerate(zip(wanted, found, strict=True)):
                rows.reshape(len(wanted), -1)[i, a.index % size] = e.log_density(measure.of)
        replaced.append(rows)
    return drawn.evaluation.values(replaced)
