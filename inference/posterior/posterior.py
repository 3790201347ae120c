"""`Posterior`: weighted traces, what they cost, and how sure they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from steersman.ppl.keys import Key, Keys
from steersman.ppl.meter import Meter
from steersman.ppl.particle import Particle
from steersman.ppl.protocols import Floats
from steersman.ppl.trace import Trace

from ..chain.chains import Chains
from ..diagnostics.diagnosis import Diagnosis
from ..diagnostics.weight_diagnosis import WeightDiagnosis
from ..resampling.weights import ess, log_sum_exp, normalise
from .genealogy import Genealogy
from .history import History
from .killed import killed_by


@dataclass(frozen=True)
class Cost:
    """What a run spent. tokens: drawn or scored by a language model; calls: batched language-model calls; rewards:
    reward evaluations; seconds: wall-clock time."""

    tokens: int
    calls: int
    rewards: int
    seconds: float

    @classmethod
    def of(cls, meter: Meter) -> Cost:
        return cls(meter.tokens, meter.calls, meter.rewards, meter.seconds)


@dataclass(frozen=True, eq=False)
class Posterior:
    """Weighted traces that represent the target of a program.

    traces: one for each particle, None for one that died. log_weights [n] (nats): log-sum-exp of them is
    log_evidence. log_evidence: the estimate of log Z; log_evidence_error: its standard error from this run (0 when
    exact, nan or inf when the run cannot tell). finished [n]: which particles ran to their end; where a run was
    stopped early (`stopped` says why) the others hold the trace so far and weigh nothing in `weights`. chains: how
    the draws of Markov chains lie in `traces`; they have equal weights, and log_evidence is nan. info: what the method
    tells of its run beside the draws (a ladder of temperatures, acceptance rates), by name; see its documentation.
    history: what the particles of every generation did, those that left no descendants too. killed: site -> how many
    particles it killed. program: its name.
    """

    traces: Sequence[Trace | None]
    log_weights: Floats
    log_evidence: float
    log_evidence_error: float
    cost: Cost
    method: str
    seed: int | None = None
    genealogy: Genealogy | None = None
    stopped: str | None = None
    finished: np.ndarray[Any, np.dtype[np.bool_]] | None = None
    chains: Chains | None = None
    info: Mapping[str, Any] = field(default_factory=dict)
    history: History | None = None
    killed: Mapping[str, int] = field(default_factory=dict)
    program: str | None = None

    def __post_init__(self) -> None:
        if self.program is None:
            called = (t.program.name for t in self.traces if t is not None and t.program is not None)
            object.__setattr__(self, "program", next(map(str, called), None))

    @classmethod
    def of_particles(
        cls, particles: Sequence[Particle], log_weights: Floats, *, log_evidence_error: float, cost: Cost,
        method: str, seed: int | None = None, genealogy: Genealogy | None = None, stopped: str | None = None,
        log_evidence: float | None = None, info: Mapping[str, Any] | None = None, history: History | None = None,
        killed: Mapping[str, int] | None = None,
    ) -> Posterior:
        """killed: by default that of the given particles, or of all that the history tells of."""
        finished = np.array([p.done for p in particles], np.bool_)
        traces = [p.trace if p.done else p.partial_trace() for p in particles]
        if killed is None:
            killed = killed_by(particles) if history is None else history.killed()
        return cls(
            traces, log_weights, log_sum_exp(log_weights) if log_evidence is None else log_evidence,
            log_evidence_error, cost, method, seed, genealogy, stopped, None if finished.all() else finished,
            info=info or {}, history=history, killed=killed,
            program=str(particles[0].model.name) if particles else None,
        )

    def __len__(self) -> int:
        return len(self.traces)

    @property
    def values(self) -> list[Any]:
        """The return value of each particle; None for one that died or was stopped."""
        return [None if t is None else t.value for t in self.traces]

    @cached_property
    def weights(self) -> Floats:
        """Normalised weights [n] of the finished particles; all zero if there is none."""
        lw = self.log_weights if self.finished is None else np.where(self.finished, self.log_weights, -np.inf)
        return normalise(lw)

    @cached_property
    def ess(self) -> float:
        """Effective sample size 1 / sum W^2."""
        return ess(self.weights)

    def expectation(self, f: Callable[[Any], Any]) -> Any:
        """sum_i W_i f(value_i), for a function of the return value that gives numbers or arrays."""
        terms = [w * np.asarray(f(t.value), np.float64) for w, t in self.weighted_traces()]
        total = np.sum(terms, axis=0)
        return float(total) if np.ndim(total) == 0 else total

    def probabilities(self, f: Callable[[Any], Hashable] | None = None) -> dict[Any, float]:
        """(f of) return value -> probability, the most probable first. Equal values are added up."""
        table: dict[Any, float] = {}
        for w, t in self.weighted_traces():
            value = _hashable(t.value if f is None else f(t.value))
            table[value] = table.get(value, 0.0) + w
        return dict(sorted(table.items(), key=lambda kv: -kv[1]))

    def sample(self, k: int | None = None, *, seed: int | Key = 0) -> Any:
        """k values drawn by weight, with replacement (one value, not a list, for k None)."""
        self.weighted_traces()  # says what is wrong where nothing can be drawn
        key = seed if isinstance(seed, Key) else Key(seed)
        ends = np.cumsum(self.weights)
        picks = np.searchsorted(ends, key.uniforms(1 if k is None else k) * ends[-1], side="right")
        values = self.values
        drawn = [values[i] for i in picks]
        return drawn[0] if k is None else drawn

    def mode(self) -> Any:
        """The return value of the largest total weight."""
        best = next(iter(self.probabilities()))
        return next(t.value for _, t in self.weighted_traces() if _hashable(t.value) == best)

    def best(self) -> Trace:
        """The finished trace of the largest log joint density (of chains that were annealed: of the largest density
        that the annealing has ended with)."""
        traces = [t for _, t in self.weighted_traces()]
        scores = (self.chains and self.chains.scores) or [t.log_joint for t in traces]
        return traces[int(np.argmax(scores))]

    def summary(self, limit: int = 10) -> str:
        """A table of the most probable values, with log Z, ESS and cost, as text."""
        from .summary import summarise

        return summarise(self, limit)

    def diagnose(
        self, f: Callable[[Any], Any] | Mapping[str, Callable[[Any], Any]] | None = None, *,
        of: Literal["value", "trace"] = "value",
    ) -> Diagnosis | WeightDiagnosis:
        """Mean, Monte Carlo error and sd of numbers of the draws, as a mapping that prints as a table: of Markov chains
        with R-hat, ESS and the acceptance of each move (see `inference.diagnostics`), of importance samples
        (`Importance`, `VI`) with Pareto k. Its `doubts` say what speaks against trusting the draws.

        f: a function, or several by name, of the return value (of="trace": of the trace); by default the log joint
        density and every numeric choice that all traces have. Raises ValueError for other posteriors, or without
        draws, TypeError for a function that gives no number.
        """
        from ..diagnostics.convergence import diagnose

        return diagnose(self, f, of=of)

    def to_arviz(self, f: Callable[[Any], dict[str, Any]] | None = None, *, resampled: bool = True) -> Any:
        """An ArviZ data set, [chain, draw] (see `inference.export` for what becomes of weights)."""
        from .export import to_arviz

        return to_arviz(self, f, resampled=resampled)

    def plot(self, f: Callable[[Any], float] | None = None) -> Any:
        """Plot the weights, and the genealogy where there is one, with matplotlib; returns the figure."""
        from .export import plot

        return plot(self, f)

    def report(self, path: str | Path, *, title: str | None = None) -> None:
        """Write a self-contained HTML page: the texts, their weights and where they come from (see `report`)."""
        from ..report import report

        report(self, path, title=title)

    def save(self, path: str | Path) -> None:
        """Write everything as one JSON file. Raises TypeError for values that JSON cannot hold."""
        from .storage import save

        save(self, path)

    @staticmethod
    def load(path: str | Path) -> Posterior:
        """Read what `save` wrote."""
        from .storage import load

        return load(path)

    # A posterior is itself a distribution over return values: `await sample(posterior)`.
    @property
    def family(self) -> Hashable:
        return id(self)

    @cached_property
    def _table(self) -> dict[Any, float]:
        return self.probabilities()

    def support(self) -> Iterable[Any]:
        return tuple(self._table)

    @staticmethod
    def draw(members: Sequence[Posterior], keys: Keys) -> tuple[list[Any], Floats]:
        table = members[0]._table
        values, p = list(table), np.fromiter(table.values(), np.float64)
        ends = np.cumsum(p)
        picks = np.searchsorted(ends, keys.uniform() * ends[-1], side="right")
        return [values[i] for i in picks], np.log(p[picks] / ends[-1])

    @staticmethod
    def log_prob(members: Sequence[Posterior], values: Sequence[Any]) -> Floats:
        table = members[0]._table
        total = math.fsum(table.values())
        p = np.array([table.get(_hashable(v), 0.0) / total for v in values])
        with np.errstate(divide="ignore"):
            log_p: Floats = np.log(p)
        return log_p

    def weighted_traces(self) -> list[tuple[float, Trace]]:
        """(W_i, trace) of every finished particle of positive weight. Raises ValueError when there is none."""
        held = zip(self.weights.tolist(), self.traces, strict=True)
        pairs = [(w, t) for w, t in held if w > 0 and t is not None]
        if not pairs:
            why = f" (it was stopped: {self.stopped})" if self.stopped else ""
            raise ValueError(
                f"this posterior has no finished particle of positive weight{why}: give it a larger budget"
            )
        return pairs

    def __repr__(self) -> str:
        note = f", stopped: {self.stopped}" if self.stopped else ""
        if self.chains is not None:
            return f"<Posterior of {self.method}: {'annealed, ' * self.chains.optimises}{self.chains}{note}>"
        return (f"<Posterior of {self.method}: {len(self)} particles, log Z = {self.log_evidence:.4g} ± "
                f"{self.log_evidence_error:.2g}, ESS {self.ess:.1f}{note}>")


def _hashable(value: Any) -> Hashable:
    """Values that are equal in content count as one: lists, dicts and arrays by their content."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (list, tuple)):
        return tuple(_hashable(v) for v in value)
    if isinstance(value, dict):
        return tuple(sorted(((k, _hashable(v)) for k, v in value.items()), key=repr))
    if isinstance(value, (set, frozenset)):
        return frozenset(_hashable(v) for v in value)
    if hasattr(value, "tolist"):
        return _hashable(value.tolist())
    return value  # type: ignore[no-any-return]
