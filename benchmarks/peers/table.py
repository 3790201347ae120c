"""The table of `make bench-peers`, and which of the goals it meets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks.peers.rows import NAMES, OURS, Row

Cell = tuple[Row, int, int]
"""(row, tokens, particles)"""


@dataclass
class Times:
    """Seconds of the runs of one cell, and what else there is to say of it. bound: it was stopped after this long."""

    seconds: list[float] = field(default_factory=list)
    drawn: int = 0
    first_compiled: int = 0
    later_compiled: int = 0
    bound: float | None = None
    failure: str | None = None

    @property
    def each(self) -> float | None:
        """Seconds for one token of one particle; at least so many where the run was stopped."""
        if self.failure is not None or not (self.seconds or self.bound):
            return None
        return (median(self.seconds) if self.seconds else self.bound or 0.0) / self.drawn


def show(results: dict[Cell, Times], rows: Sequence[Row], tokens: Sequence[int], particles: Sequence[int]) -> str:
    columns = [(t, n) for t in tokens for n in particles]
    lines = [
        " " * 32 + "".join(f"{f'{t} tokens':<{16 * len(particles)}}" for t in tokens),
        " " * 32 + "".join(f"{f'N = {n}':<16}" for _, n in columns),
    ]
    notes: dict[str, None] = {}
    for row in rows:
        cells = []
        for t, n in columns:
            times = results[row, t, n]
            if times.failure is not None:
                notes[f"{row.side}, {NAMES[row.task]}: {times.failure}"] = None
            cells.append(_cell(times, results.get((row.compared_to, t, n))))
        lines.append(f"{row.side:<14}{NAMES[row.task]:<18}" + "".join(f"{c:<16}" for c in cells))
    first = sum(r.first_compiled for r in results.values())
    later = sum(r.later_compiled for r in results.values())
    lines.append(f"{OURS:<14}programs compiled by first runs: {first}, by later ones: {later} (goal: 0)")
    return "\n".join([*(line.rstrip() for line in lines), *notes])


def _cell(times: Times, reference: Times | None) -> str:
    if times.each is None:
        return "failed" if times.failure else "-"
    sign = ">" if times.bound else ""
    micros = f"{sign}{1e6 * times.each:.0f}{'*' if len(times.seconds) == 1 else ''}"
    if reference is None or reference.each is None or times is reference:
        return f"{micros:>7}"
    return f"{micros:>7} {sign}{times.each / reference.each:.2f}x"


def goals(results: dict[Cell, Times], tokens: Sequence[int], particles: Sequence[int]) -> str:
    """The goals of the project that the measured cells say something about."""
    lines = []
    for t in tokens:
        for n in particles:
            ratio = _ratio(results, Row(OURS, "smc"), t, n)
            if n >= 32 and ratio is not None:
                lines.append(_goal(f"SMC / bare decode, {t} tokens, N = {n}", ratio, "at most", 1.25))
        for side, goal in (("genlm-control", 20.0 if t <= 64 else 40.0), ("LLaMPPL", 12.0 if t <= 64 else 40.0)):
            ratio = _ratio(results, Row(side, "smc"), t, 32)
            if t in (64, 256) and ratio is not None:
                lines.append(_goal(f"{side} / Steersman, SMC, {t} tokens, N = 32", ratio, "at least", goal))
    return "\n".join(lines)


def _ratio(results: dict[Cell, Times], row: Row, tokens: int, particles: int) -> float | None:
    mine = results.get((row, tokens, particles))
    reference = results.get((row.compared_to, tokens, particles))
    if mine is None or reference is None or mine.each is None or reference.each is None:
        return None
    return mine.each / reference.each


def _goal(what: str, ratio: float, sense: str, goal: float) -> str:
    met = ratio <= goal if sense == "at most" else ratio >= goal
    return f"{what:<48}{ratio:>7.2f}   goal: {sense} {goal:g}   {'met' if met else 'NOT met'}"
