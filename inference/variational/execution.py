"""Executions drawn for an objective, with all that depends on parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from steersman.ppl.address import Address
from steersman.ppl.effects import Invocation, Observe, Sample
from steersman.ppl.errors import SteersmanError
from steersman.ppl.keys import Key
from steersman.ppl.particle import Particle
from steersman.ppl.requests import Choose, Collected, Recall, Request
from steersman.ppl.trace import Site, Trace
from steersman.ppl.trainable import Trainable, trainable_of

from ..run.run import Advance, Run

Role = Literal["p", "q"]


class CannotScore(SteersmanError, TypeError):
    """An objective that needs log-probabilities, of a language model that only draws."""


@dataclass(frozen=True)
class Row:
    """A density that depends on parameters: power log f(value) of `dist`, at `address`. role: a density of the program
    ("p"), or of what draws ("q"). subject: what the trainable differentiates, the distribution or what it has bound
    it to. site: what the execution has recorded there."""

    trainable: Trainable
    dist: Any
    subject: Any
    address: Address
    site: Site
    value: Any
    role: Role
    power: float = 1.0

    @property
    def drawn(self) -> bool:
        """Whether its choice was drawn, not imposed."""
        return self.role == "q" and not self.site.fixed


@dataclass
class Execution:
    """trace: the record; of an execution that died, up to the site `killed_by`. rows: what depends on parameters."""

    trace: Trace
    rows: list[Row] = field(default_factory=list)
    killed_by: str | None = None

    def log_density(self, of: str) -> float:
        """As `Measure.of` says, in nats. What died is impossible under the program, but was drawn from the guide."""
        if self.killed_by is not None and of in ("model", "likelihood"):
            return -math.inf
        sites = [s for _, s in self.trace.outer_sites()]
        if of == "model":
            return math.fsum(s.log_p for s in sites)
        if of == "prior":
            return math.fsum(s.log_p for s in sites if s.kind == "sample")
        if of == "likelihood":
            return math.fsum(s.log_p for s in sites if s.kind != "sample")
        return math.fsum(s.log_q for s in sites if s.kind == "sample" and not (of == "redrawn" and s.fixed))


class _Watched(Request):
    """A request that notes every density that depends on parameters."""

    __slots__ = ("_chosen", "seen")

    def __init__(
        self, particles: Sequence[Particle], key: Key, run: Run, choose: Choose | None, recall: Recall | None
    ) -> None:
        super().__init__(particles, key, choose=self._note, recall=recall, meter=run.meter)
        self._chosen = choose
        self.seen: dict[int, list[tuple[Trainable, Any, Address, Any, Role, float]]] = {}

    def _note(self, p: Particle) -> tuple[bool, Any]:
        effect = p.pending
        assert isinstance(effect, Sample)
        if (found := trainable_of(effect.dist)) is not None:
            self._add(p, found, effect.dist, None, "p")
        drawn = effect.dist if effect.proposal is None else effect.proposal
        if (source := getattr(effect.dist, "drawn_from", None)) is not None:  # a constraint steers what is proposed
            drawn = source(effect.proposal)
        _check_scores(p, effect.dist)
        _check_scores(p, drawn)
        if (found := trainable_of(drawn)) is not None:
            self._add(p, found, drawn, None, "q")
        return (False, None) if self._chosen is None else self._chosen(p)

    def collect(self) -> Collected:
        collected = super().collect()
        for _, item in collected:
            if isinstance(item.effect, Observe):
                _check_scores(item.particle, item.effect.dist)
            if isinstance(item.effect, Observe) and (found := trainable_of(item.effect.dist)) is not None:
                self._add(item.particle, found, item.effect.dist, item.effect.value, "p", item.effect.power)
        return collected

    def _add(self, p: Particle, found: Trainable, member: Any, value: Any, role: Role, power: float = 1.0) -> None:
        self.seen.setdefault(p.serial, []).append((found, member, p.address, value, role, power))

    def execution(self, p: Particle) -> Execution:
        """What a particle, which is done, has come to. A text is one row, unless it was half drawn when the particle
        died: then each of its tokens is one."""
        trace = p.remains() if p.trace is None else p.trace
        sites: dict[Address, Site] = dict(trace.outer_sites())
        rows = []
        for trainable, dist, address, value, role, power in self.seen.get(p.serial, ()):
            site = sites.get(address)
            # not a token of a whole text, nor what the particle died of
            if site is not None and not _nothing(trainable.params):
                x = site.value if site.kind == "sample" else value
                bind = getattr(trainable, "bind", None)
                subject = dist if bind is None else bind(dist, trace, address, role)
                rows.append(Row(trainable, dist, subject, address, site, x, role, power))
        return Execution(trace, rows, p.killed_by)


def _check_scores(p: Particle, dist: Any) -> None:
    """Raise CannotScore for the distribution of a language model that only draws."""
    lm = getattr(dist, "lm", None)
    able: frozenset[str] | None = getattr(lm, "capabilities", None)
    if able is not None and "score" not in able:
        raise CannotScore(
            f"{p.where()}: the objective needs log-probabilities, and {lm!r} has none (its capabilities are "
            f"{', '.join(sorted(able)) or 'empty'}): take a model that can score (models.load, TableLM), or use this "
            "one by methods that only draw, such as BestOf"
        )


def _nothing(params: Any) -> bool:
    """Whether a guide program has turned out to have no parameters."""
    return isinstance(params, dict) and not params


async def executions(
    run: Run, model: Invocation[Any], slots: Sequence[int], key: Key, choose: Choose | None = None,
    recall: Recall | None = None,
) -> list[Execution]:
    """New executions in these slots, drawn with keys that depend on `key` and the slot alone. What is recalled has no
    rows."""
    particles = [Particle(model, slot, run.params) for slot in slots]
    request = _Watched(particles, key, run, choose, recall)
    await Advance(request)
    return [request.execution(p) for p in particles]
