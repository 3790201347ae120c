"""Exact expectations of continuous models: sums over grids, with the discrete choices summed out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from steersman.ppl.protocols import Floats

Axis = tuple[Floats, Floats]  # nodes and weights


def real_line(centre: float = 0.0, half: float = 12.0, nodes: int = 121) -> Axis:
    """The trapezoidal rule on [centre - half, centre + half]: for smooth densities that have died out at the ends its
    error falls exponentially with the number of nodes (Trefethen & Weideman 2014, section 5)."""
    x = np.linspace(centre - half, centre + half, nodes)
    return x, np.full(nodes, x[1] - x[0])


def half_line(low: float = 1e-6, high: float = 60.0, nodes: int = 121) -> Axis:
    """The same in t = log x, for x > 0."""
    t = np.linspace(np.log(low), np.log(high), nodes)
    return np.exp(t), np.exp(t) * (t[1] - t[0])


def unit_interval(nodes: int = 24) -> Axis:
    """Gauss-Legendre on [0, 1]."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    return (x + 1) / 2, w / 2


def expectations(
    axes: Iterable[Axis], log_joint: Callable[..., Floats], cases: Iterable[Any],
    statistics: Mapping[str, Callable[[Any], Any]], value: Callable[..., Any],
) -> dict[str, float]:
    """E[f] of every statistic: sum over cases z, integral over the axes.

    log_joint(z, x_1, ..., x_d): the log density on the grid, in nats. value(z, x_1, ..., x_d): what the program
    returns there, with arrays for numbers; statistics are functions of it.
    """
    nodes, weights = zip(*axes, strict=True)
    grid = np.meshgrid(*nodes, indexing="ij")
    area: Any = 1.0
    for w in np.meshgrid(*weights, indexing="ij"):
        area = area * w
    total, sums = 0.0, dict.fromkeys(statistics, 0.0)
    for z in cases:
        mass = np.exp(log_joint(z, *grid)) * area
        total += float(mass.sum())
        for name, f in statistics.items():
            sums[name] += float((mass * f(value(z, *grid))).sum())
    return {name: s / total for name, s in sums.items()}
