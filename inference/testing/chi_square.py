"""Pearson's chi-square for counts, judged like every other check: as a z score."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping

from .report import Check

_LEAST = 5.0


def fit(oracle: str, what: str, observed: Mapping[Hashable, int], expected: Mapping[Hashable, float]) -> Check:
    """Independent draws against their law:  X^2 = sum (n - E)^2 / E,  with (cells - 1) degrees of freedom.

    observed: value -> how often. expected: value -> probability. Values that are expected fewer than five times are
    counted as one. A value that is not expected at all is infinitely wrong. The check tells X^2 and its expectation.
    """
    total = sum(observed.values())
    if any(expected.get(v, 0.0) <= 0.0 for v, n in observed.items() if n):
        return Check(oracle, what, math.inf, 0.0, math.inf)
    cells: list[tuple[float, float]] = []
    rest_n = rest_e = 0.0
    for v, p in sorted(expected.items(), key=lambda item: -item[1]):
        n, e = float(observed.get(v, 0)), p * total
        if e >= _LEAST:
            cells.append((n, e))
        else:
            rest_n, rest_e = rest_n + n, rest_e + e
    if rest_e >= _LEAST or not cells:
        cells.append((rest_n, rest_e))
    elif rest_e > 0.0:
        n, e = cells.pop()
        cells.append((n + rest_n, e + rest_e))
    return chi_square(oracle, what, math.fsum((n - e) ** 2 / e for n, e in cells), len(cells) - 1)


def balance(
    oracle: str, what: str, pairs: Iterable[tuple[Hashable, Hashable]], mass: Mapping[Hashable, float]
) -> Check:
    """Detailed balance by flows: where x ~ pi and y ~ K(x, .), independent pairs (x, y), E n(x -> y) = E n(y -> x):

        X^2 = sum over {x, y} of (n(x -> y) - n(y -> x))^2 / (n(x -> y) + n(y -> x))

    mass: state -> pi; pairs of states with few passages are counted as one, from the likelier to the less likely.
    """
    flow = Counter((x, y) for x, y in pairs if x != y)
    order = {s: i for i, s in enumerate(sorted(mass, key=lambda s: -mass[s]))}
    statistic, cells, rest_down, rest_up = 0.0, 0, 0, 0
    for x, y in {(x, y) if order[x] < order[y] else (y, x) for x, y in flow}:
        down, up = flow[x, y], flow[y, x]
        if down + up >= 2 * _LEAST:
            statistic, cells = statistic + (down - up) ** 2 / (down + up), cells + 1
        else:
            rest_down, rest_up = rest_down + down, rest_up + up
    if rest_down + rest_up >= 2 * _LEAST:
        statistic, cells = statistic + (rest_down - rest_up) ** 2 / (rest_down + rest_up), cells + 1
    return chi_square(oracle, what, statistic, cells)


def chi_square(oracle: str, what: str, statistic: float, freedom: int) -> Check:
    """The check of X^2 with so many degrees of freedom: z is the normal score of its upper tail, at least 0."""
    from scipy.special import chdtrc, ndtri

    tail = float(chdtrc(freedom, statistic)) if freedom > 0 else 1.0
    return Check(oracle, what, statistic, float(freedom), max(0.0, -float(ndtri(tail))))
