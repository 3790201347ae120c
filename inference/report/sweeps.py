"""The draws of Markov chains, as data of a page."""

from __future__ import annotations

import math
from typing import Any

from steersman.ppl.trace import Trace

from ..posterior import Posterior
from ..posterior.atoms import Atom
from ..posterior.history import History
from .choose import spaced
from .ink import Ink
from .limits import ATOMS, CHAINS, POINTS, STEPS


def sweeps(posterior: Posterior, ink: Ink) -> tuple[dict[str, Any], list[str]]:
    """The data of the page, and what it leaves out."""
    chains = posterior.chains
    assert chains is not None
    C, D = min(chains.chains, CHAINS), chains.draws
    if not C or not D:
        return {"view": "empty"}, []
    of = [[posterior.traces[c * D + d] for d in range(D)] for c in range(C)]
    most = STEPS
    while True:
        at = spaced(D, most)
        stories = [_stories([of[c][d] for d in at]) for c in range(C)]
        if most <= 2 or sum(len(atoms) for chain in stories for atoms in chain if atoms is not None) <= ATOMS:
            break
        most //= 2
    points = spaced(D, max(2, POINTS // C))
    steps = [
        {"t": d, "atoms": [None if (told := stories[c][k]) is None else ink.write(told)[0] for c in range(C)]}
        for k, d in enumerate(at)
    ]
    curves = {"t": points, "log_p": [[_log_joint(chain[d]) for d in points] for chain in of]}
    notes = []
    if chains.chains > C:
        notes.append(f"The first {C} of {chains.chains} chains are drawn.")
    if len(at) < D:
        notes.append(f"Texts are shown for {len(at)} of {D:,} draws of a chain, evenly spaced.")
    return {"view": "chains", "steps": steps, "curves": curves}, notes


def _stories(draws: list[Trace | None]) -> list[list[Atom] | None]:
    """What each draw did; None where it is the one before."""
    history = History.of_traces(draws)
    same = [d > 0 and _same(draws[d - 1], draws[d]) for d in range(len(draws))]
    return [None if same[d] else history.atoms(0, d) for d in range(len(draws))]


def _same(a: Trace | None, b: Trace | None) -> bool:
    return a is b or (a is not None and b is not None and a.log_joint == b.log_joint and a == b)


def _log_joint(trace: Trace | None) -> float | None:
    log_p = -math.inf if trace is None else trace.log_joint
    return round(log_p, 3) if math.isfinite(log_p) else None
