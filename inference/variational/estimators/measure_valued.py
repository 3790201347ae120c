"""Measure-valued derivatives of a site: differences of the objective, each value drawn from its own law."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from steersman.ppl.address import format_address
from steersman.ppl.errors import SteersmanError
from steersman.ppl.keys import Key

from ..execution import Row
from ..family import Amortised
from .alternatives import Alternative, Drawn, alternatives

Rng = np.random.Generator


class NoMeasure(SteersmanError, TypeError):
    """A distribution whose derivative is not known as a difference of two laws."""


@dataclass(frozen=True)
class Part:
    """d q / d parameter = c (plus - minus): (rng, arguments) -> (c, a draw of plus, a draw of minus)."""

    parameter: str
    draw: Callable[[Rng, dict[str, float]], tuple[float, Any, Any]]


def _location(rng: Rng, a: dict[str, float]) -> tuple[float, float, float]:
    step = a["scale"] * math.sqrt(2) * rng.weibull(2)
    return 1 / (a["scale"] * math.sqrt(2 * math.pi)), a["loc"] + step, a["loc"] - step


def _scale(rng: Rng, a: dict[str, float]) -> tuple[float, float, float]:
    """plus: the double-sided Maxwell law, of which the Normal law is a uniform fraction (coupled)."""
    maxwell = math.sqrt(rng.chisquare(3)) * rng.choice([-1.0, 1.0])
    return 1 / a["scale"], a["loc"] + a["scale"] * maxwell, a["loc"] + a["scale"] * maxwell * rng.uniform()


def _rate(rng: Rng, a: dict[str, float]) -> tuple[float, int, int]:
    n = int(rng.poisson(a["rate"]))
    return 1.0, n + 1, n


def _exponential(rng: Rng, a: dict[str, float]) -> tuple[float, float, float]:
    minus = rng.gamma(2.0) / a["rate"]
    return 1 / a["rate"], minus * rng.uniform(), minus


LAWS: dict[str, tuple[Part, ...]] = {
    "Normal": (Part("loc", _location), Part("scale", _scale)),
    "Poisson": (Part("rate", _rate),),
    "Exponential": (Part("rate", _exponential),),
}


async def measure_valued(
    drawn: Drawn, rows: Sequence[tuple[int, Row]], key: Key
) -> list[tuple[Row, str, float]]:
    """(row, parameter, weight): the gradient is sum weight grad_theta parameter(theta, features of the row).

        d/da E_q(x; a)[h] = c_a (E_plus[h] - E_minus[h]),

    Normal: plus and minus of loc are loc +- scale sqrt(2) Weibull(2); of scale, the double-sided Maxwell and the Normal
    law. Poisson: n + 1 and n. Exponential: the law itself and Gamma(2). Both sides of a difference are coupled: one
    draw at the site, and the same keys after it. Source: Mohamed et al. 2020, "Monte Carlo gradient estimation in
    machine learning", section 6, table 1. Cost: two executions from the site on for each parameter. Raises NoMeasure
    for other laws.
    """
    plus: list[Alternative] = []
    minus: list[Alternative] = []
    about: list[tuple[Row, str, float]] = []
    for i, (k, row) in enumerate(rows):
        arguments, parts = _law(row)
        rng = key.fold(i).generator()
        for part in parts:
            c, up, down = part.draw(rng, arguments)
            plus.append(Alternative(k, row, up))
            minus.append(Alternative(k, row, down))
            about.append((row, part.parameter, c))
    after = key.fold(len(rows))
    up_h, down_h = await alternatives(drawn, plus, after), await alternatives(drawn, minus, after)
    return [
        (row, parameter, c * (float(u) - float(d)))
        for (row, parameter, c), u, d in zip(about, up_h, down_h, strict=True)
    ]


def _law(row: Row) -> tuple[dict[str, float], tuple[Part, ...]]:
    member = row.dist
    if not isinstance(member, Amortised):
        raise NoMeasure(f"{format_address(row.address)!r}: measure-valued derivatives are for sites of a Family, not "
                        f"for {member!r}")
    d = member.trainable.distribution(member.trainable.params, *member.features)
    parts = LAWS.get(type(d).__name__)
    if parts is None or d.batch_shape or d.event_shape:
        raise NoMeasure(f"{format_address(row.address)!r}: the derivative of {type(d).__name__} is not known as a "
                        f"difference of two laws (it is for scalar {', '.join(LAWS)}): choose 'score'")
    return {p.parameter: float(getattr(d, p.parameter)) for p in parts}, parts
