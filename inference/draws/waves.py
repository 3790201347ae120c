"""Independent executions, made a wave at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from steersman.ppl.particle import Particle

from ..run import Run
from .proposed import Proposed


@dataclass
class Waves:
    """The executions 0 .. total - 1, `batch` of them in memory at once. What one draws depends on its number alone, so
    that batches of any size give one result. wave: the executions that are under way."""

    total: int
    batch: int
    proposed: Proposed = field(default_factory=Proposed)
    wave: list[Particle] = field(default_factory=list)

    async def draw(self, run: Run, start: int) -> list[Particle]:
        """The wave that begins with the given number, run to its end."""
        self.wave = self.proposed.spawn(run, range(start, min(start + self.batch, self.total)))
        run.rewind()
        await self.proposed.advance(run, self.wave)
        return self.wave


@dataclass
class Draws(Waves):
    """The state of methods that keep all executions. finished: those of whole waves."""

    finished: list[Particle] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return len(self.finished) >= self.total

    async def step(self, run: Run) -> dict[str, Any]:
        self.finished = self.finished + await self.draw(run, len(self.finished))
        self.wave = []
        return {"done": len(self.finished), "total": self.total}
