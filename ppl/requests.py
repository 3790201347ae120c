"""A request: a population that is to be advanced, and where to stop it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from .effects import Call, Effect, Factor, Observe, Sample
from .errors import BudgetExhausted
from .keys import Key
from .meter import Meter
from .particle import Particle

Choose = Callable[[Particle], tuple[bool, Any]]
Stop = Callable[[Particle, Effect[Any]], bool]
Pause = Callable[[Particle], bool]

DRAW, SCORE, CALL = 0, 1, 2


class Item:
    """One pending effect on its way into a group. dist: what is evaluated; value: what is scored."""

    __slots__ = ("dist", "effect", "particle", "request", "value")

    def __init__(self, request: Request, particle: Particle, effect: Any, dist: Any, value: Any) -> None:
        self.request, self.particle, self.effect, self.dist, self.value = request, particle, effect, dist, value


Groups = dict[tuple[int, Any, Hashable], list[Item]]


class Request:
    """Advance `particles` until each is done or has answered an effect for which `stop(particle, effect)` holds.

    choose(particle) -> (fixed?, value) imposes values on sample sites. pause(particle), asked at sample sites that
    are not fixed, leaves the particle before its draw. Draws use the key fold(key, round, slot), rounds counted from
    the start of the request, so what a particle draws does not depend on its company.
    """

    __slots__ = ("choose", "error", "key", "live", "meter", "pause", "round", "stop")

    def __init__(
        self, particles: Sequence[Particle], key: Key, *, choose: Choose | None = None, stop: Stop | None = None,
        pause: Pause | None = None, meter: Meter | None = None,
    ) -> None:
        self.live = [p for p in particles if p.pending is not None]
        for p in self.live:
            p.resting = False
        self.key, self.choose, self.stop, self.pause, self.meter = key, choose, stop, pause, meter
        self.round = 0
        self.error: BudgetExhausted | None = None

    def collect(self, groups: Groups) -> None:
        """Put the pending effect of every live particle into its group; answer what needs no group on the way.

        If the meter cannot pay for the round, nothing is put in and `error` is set.
        """
        collected: list[tuple[tuple[int, Any, Hashable], Item]] = []
        tokens = rewards = 0
        calls: set[tuple[int, Any, Hashable]] = set()
        choose = self.choose
        for p in self.live:
            while (effect := p.pending) is not None and not p.resting:
                value, op = None, DRAW
                if isinstance(effect, Sample):
                    fixed = False
                    if choose is not None:
                        fixed, value = choose(p)
                    if effect.sequential and not fixed:
                        p.enter()
                        continue
                    if fixed:
                        op, dist = SCORE, effect.dist
                    elif self.pause is not None and self.pause(p):
                        p.resting = True
                        break
                    else:
                        dist = effect.dist if effect.proposal is None else effect.proposal
                elif isinstance(effect, Factor):
                    p.weigh(effect)
                    if self.stop is not None and p.pending is not None and self.stop(p, effect):
                        p.resting = True
                    continue
                elif isinstance(effect, Observe):
                    op, dist, value = SCORE, effect.dist, effect.value
                else:
                    assert isinstance(effect, Call), effect
                    fn = effect.fn
                    collected.append(((CALL, fn, None), Item(self, p, effect, None, None)))
                    if (count := getattr(fn, "tokens", None)) is not None:
                        tokens += count(*effect.args)
                        calls.add((CALL, fn, None))
                    rewards += bool(getattr(fn, "reward", False))
                    break
                group = (op, type(dist), dist.family)
                collected.append((group, Item(self, p, effect, dist, value)))
                count = getattr(dist, "tokens", None)
                if count is not None:
                    tokens += count(value)
                    calls.add(group)
                if isinstance(effect, Sample) and effect.proposal is not None:
                    other = effect.dist if dist is effect.proposal else effect.proposal
                    if (count := getattr(other, "tokens", None)) is not None and (more := count(value, dist)):
                        tokens += more
                        calls.add((SCORE, type(other), other.family))
                break
        if self.meter is not None and collected:
            try:
                self.meter.check(tokens, len(calls), rewards)
            except BudgetExhausted as error:
                self.error = error
                self.live = []
                return
            self.meter.charge(tokens, len(calls), rewards, rounds=1)
        for group, item in collected:
            groups.setdefault(group, []).append(item)

    def settle(self) -> None:
        """After a round: keep the particles that are still on their way."""
        self.live = [p for p in self.live if p.pending is not None and not p.resting]
        self.round += 1
