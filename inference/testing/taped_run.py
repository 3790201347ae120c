"""A run and a chain whose every random choice is taken from a tape, for `exhaust`."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from typing import Any

import numpy as np

from steersman.ppl.answer import score
from steersman.ppl.effects import Invocation, Sample
from steersman.ppl.errors import NotEnumerable
from steersman.ppl.keys import Key
from steersman.ppl.particle import Particle
from steersman.ppl.requests import Choose, Pause, Recall, Request, Stop

from ..chain import Chain
from ..chain.target import Target
from ..run.run import Advance, Run
from .tape import Tape


class TapedRun(Run):
    """A run in which every draw of a program is taken from the tape: with the probabilities that its proposal (or its
    distribution) gives to the elements of its support."""

    def __init__(self, model: Invocation[Any], tape: Tape) -> None:
        super().__init__(model)
        self.tape = tape

    def advance(
        self, particles: Sequence[Particle], *, choose: Choose | None = None, recall: Recall | None = None,
        stop: Stop | None = None, pause: Pause | None = None, key: Key | None = None,
    ) -> Advance:
        drawing: list[Particle] = []

        def before_draw(p: Particle) -> bool:
            if pause is None or not pause(p):
                drawing.append(p)
            return True

        def request(those: Sequence[Particle]) -> Request:
            return Request(those, Key(0), choose=choose, recall=recall, stop=stop, pause=before_draw, meter=self.meter)

        return _TapedAdvance(request(particles), request, drawing, self.tape)


class _TapedAdvance(Advance):
    __slots__ = ("again", "drawing", "tape")

    def __init__(self, request: Request, again: Any, drawing: list[Particle], tape: Tape) -> None:
        super().__init__(request)
        self.again, self.drawing, self.tape = again, drawing, tape

    def __await__(self) -> Generator[Request, None, None]:
        while True:
            yield self.request
            those = self.drawing.copy()
            self.drawing.clear()
            if not those:
                return
            for p in those:
                draw_from(self.tape, p)
                p.resting = False
                self.request.rest(p)
            self.request = self.again([p for p in those if not p.resting])


def draw_from(tape: Tape, p: Particle) -> None:
    """Answer the pending draw of a particle from the tape, with the weight that a draw has."""
    effect = p.pending
    assert isinstance(effect, Sample)
    source = effect.dist if effect.proposal is None else effect.proposal
    support = source.support()
    if support is None:
        raise NotEnumerable(f"{p.where()}: {source!r:.80} has no finite support, so its draws cannot be enumerated")
    values = list(support)
    log_q = score([source] * len(values), values)
    k = tape.choose(np.exp(log_q))
    log_p = log_q[k] if effect.proposal is None else score([effect.dist], [values[k]])[0]
    if log_p == -math.inf:
        p.kill()
        return
    if effect.proposal is not None:
        p.log_weight += log_p - log_q[k]
    p.resume(values[k], log_p, log_q[k])


class TapedChain(Chain):
    """A chain whose decisions are taken from the tape of its run."""

    def __init__(self, run: TapedRun, particle: Particle, target: Target) -> None:
        super().__init__(run, 0, particle, target)
        self._tape = run.tape

    def choose(self, weights: Sequence[float]) -> int:
        return self._tape.choose(weights)

    def new_key(self) -> Key:
        return _Spent(0)


class _Spent(Key):
    """The key of draws that a tape decides; a kernel may not draw from it behind the tape's back."""

    __slots__ = ()

    def uniform(self) -> float:
        raise TypeError("a kernel decides by chain.choose(weights) and chain.accepts(log_ratio), not by a key of its "
                        "own: otherwise its transition matrix cannot be computed")
