"""Exact enumeration of a site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from steersman.ppl.address import format_address
from steersman.ppl.answer import score
from steersman.ppl.keys import Key

from ..execution import Row
from .alternatives import Alternative, Drawn, alternatives


async def enumerated(drawn: Drawn, rows: Sequence[tuple[int, Row]], key: Key) -> list[tuple[Row, float]]:
    """Rows with weights for sites that are enumerated; rows: (number of the execution, row of the site).

        grad E_q[h] = sum_v grad q(v) h_v = sum_v q(v) (h_v - h) grad log q(v)

    with h_v the objective of an execution that has v at the site; h, that of the execution as it is, may be taken off,
    since sum_v grad q(v) = 0. Source: Titsias & Lazaro-Gredilla 2015, "Local expectation gradients". Cost: an execution
    from the site on for each other value. Raises ValueError for a site without finite support.
    """
    wanted: list[Alternative] = []
    for k, row in rows:
        support = row.dist.support()
        if support is None:
            raise ValueError(f"{format_address(row.address)!r}: {row.dist!r} has no finite support to enumerate: "
                             "choose 'score'")
        wanted += [Alternative(k, row, v) for v in support if v != row.value]
    found = await alternatives(drawn, wanted, key)
    log_q = score([a.row.dist for a in wanted], [a.value for a in wanted]) if wanted else []
    present = drawn.evaluation.values(drawn.densities)
    size = len(drawn.executions) // len(present)
    out = []
    for a, h, lq in zip(wanted, found.tolist(), log_q, strict=True):
        q = float(np.exp(lq))
        if q > 0:  # a value that q rules out stays ruled out, and its gradient is 0
            out.append((replace(a.row, value=a.value), q * (h - float(present[a.index // size]))))
    return out
