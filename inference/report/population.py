"""The steps of a population of weighted particles, as data of a page."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np

from steersman.ppl.protocols import Floats

from ..posterior import Posterior
from ..posterior.atoms import Atom
from ..posterior.genealogy import Genealogy, Lines
from ..posterior.history import History
from ..resampling.weights import ess, log_sum_exp
from .choose import Drawn, choose, spaced
from .ink import START, Ink, Pending
from .limits import ATOMS, COLUMN, POINTS


class Population:
    """Genealogy and history of a posterior; of one without, its final particles are the only step."""

    def __init__(self, posterior: Posterior) -> None:
        genealogy, history = posterior.genealogy, posterior.history
        if genealogy is None or not len(genealogy):
            genealogy, history = Genealogy(), None
            if len(posterior):
                genealogy.append(posterior.log_weights, log_z=0.0)
        self.genealogy = genealogy
        self.recorded = history is not None and len(history) == len(genealogy)
        self._history = history if self.recorded else None
        self._final = posterior.traces if len(genealogy) and len(posterior) == genealogy.sizes[-1] else ()

    def story(self, t: int, i: int) -> tuple[list[Atom], bool]:
        """What a particle did since its parent's end, and whether that replaces what its ancestors did."""
        if self._history is not None:
            return self._history.atoms(t, i), self._history.rewritten(t, i)
        if self._final and t == len(self.genealogy) - 1:
            return History.of_traces([self._final[i]]).atoms(0, 0), True
        return [], False

    def gains(self, t: int) -> Floats:
        """What each particle of generation t added to its log weight (nats); nan where that is not known."""
        g = self.genealogy
        with np.errstate(divide="ignore", invalid="ignore"):
            born = np.log(g.incoming(t)) + (g.log_evidence(t - 1) if t else 0.0)
            offset = g.log_evidence(t) - log_sum_exp(g.log_weights(t))
            gains: Floats = g.log_weights(t) + offset - born
        return gains


def population(posterior: Posterior, ink: Ink) -> tuple[dict[str, Any], list[str]]:
    """The data of the page, and what it leaves out."""
    told = Population(posterior)
    g = told.genealogy
    if not len(g):
        return {"view": "empty"}, []
    column = COLUMN
    while True:
        drawn = choose(g, column)
        stories = _stories(told, drawn)
        if column <= 2 or sum(len(atoms) for row in stories for atoms, _ in row) <= ATOMS:
            break
        column //= 2
    data = {"view": "population", "steps": _steps(told, drawn, stories, ink), "curves": _curves(g)}
    return data, _left_out(told, drawn)


def _stories(told: Population, drawn: Drawn) -> list[list[tuple[list[Atom], bool]]]:
    """What every drawn particle did since the step drawn before."""
    out, last = [], -1
    for t, slots in zip(drawn.generations, drawn.slots, strict=True):
        row = []
        for i in slots.tolist():
            atoms, anew = told.story(t, i)
            for s in range(t, last + 1, -1):  # what the steps in between have added
                if anew:
                    break
                i = int(told.genealogy.parents(s)[i])
                before, anew = told.story(s - 1, i)
                atoms = before + atoms
            row.append((atoms, anew))
        out.append(row)
        last = t
    return out


def _steps(
    told: Population, drawn: Drawn, stories: list[list[tuple[list[Atom], bool]]], ink: Ink
) -> list[dict[str, Any]]:
    g, sizes, steps = told.genealogy, told.genealogy.sizes, []
    pending: list[Pending] = []
    last = -1
    for k, t in enumerate(drawn.generations):
        slots, parents = drawn.slots[k], drawn.parents[k]
        weights, gains = g.weights(t)[slots] * sizes[t], _since(told, last, t)[slots]
        now, atoms = [], []
        for j, (story, anew) in enumerate(stories[k]):
            written, after = ink.write(story, START if anew or not k else pending[parents[j]])
            atoms.append(written)
            now.append(after)
        steps.append({
            "t": t, "n": sizes[t], "label": _label(stories[k]), "resampled": _resampled(g, last, t),
            "slot": slots.tolist(), "parent": parents.tolist(), "heir": drawn.heirs[k].astype(int).tolist(),
            "w": [_number(w) for w in weights], "gain": [_number(x) for x in gains], "atoms": atoms,
            "anew": [j for j, (_, anew) in enumerate(stories[k]) if anew and k],
        })
        pending, last = now, t
    return steps


def _since(told: Population, last: int, t: int) -> Floats:
    """The log weight that each particle of generation t has gained since the end of generation `last`."""
    gains = told.gains(t)
    line: Lines = np.arange(len(gains), dtype=np.int32)
    for s in range(t, last + 1, -1):
        line = told.genealogy.parents(s)[line]
        gains = gains + told.gains(s - 1)[line]
    return gains


def _resampled(g: Genealogy, last: int, t: int) -> bool:
    return any(g.resampled(s) for s in range(last + 1, t + 1))


def _label(stories: list[tuple[list[Atom], bool]]) -> str:
    """What most particles did last."""
    ends = Counter(atoms[-1].place for atoms, _ in stories if atoms and atoms[-1].place.kind != "killed")
    return "" if not ends else f"{(place := ends.most_common(1)[0][0]).kind} {place.address}"


def _curves(g: Genealogy) -> dict[str, Any]:
    at, sizes = spaced(len(g), POINTS), g.sizes
    return {
        "t": at, "ess": [_number(ess(g.weights(t))) for t in at], "n": [sizes[t] for t in at],
        "log_z": [_number(g.log_evidence(t)) for t in at],
        "resampled": [t for t in range(len(g)) if g.resampled(t)][:POINTS],
    }


def _left_out(told: Population, drawn: Drawn) -> list[str]:
    g, notes = told.genealogy, []
    K, T = len(drawn.generations), len(g)
    if K < T:
        notes.append(f"{K} of {T:,} steps are drawn, evenly spaced; a line joins a particle to its ancestor at the "
                     "step drawn before, and carries all that happened in between.")
    shown, sizes = [len(slots) for slots in drawn.slots], g.sizes
    if any(n < sizes[t] for t, n in zip(drawn.generations, shown, strict=True)):
        if T == 1:
            notes.append(f"The {shown[0]} of {sizes[0]:,} particles that weigh most are listed.")
        else:
            notes.append(f"At most {max(shown)} of {max(sizes):,} particles are drawn at each step: those that weigh "
                         "most at the end with all their ancestors, then the first of the others whose ancestors are "
                         "drawn. Curves, table and numbers are of all particles.")
    if T > 1 and not told.recorded:
        notes.append("What the particles did on the way was not recorded, or no longer fitted into memory: texts are "
                     "those of the last step.")
    return notes


def _number(x: float) -> float | None:
    """Four significant digits; None for what JSON cannot hold."""
    return float(f"{x:.4g}") if math.isfinite(x) else None
