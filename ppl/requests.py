"""A request: a population that is to be advanced, and where to stop it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from .batched import Batched
from .effects import Call, Effect, Factor, Observe, Sample
from .errors import BudgetExhausted
from .keys import Key
from .meter import Meter
from .particle import Particle
from .protocols import Machine
from .trace import Site

Choose = Callable[[Particle], tuple[bool, Any]]
Recall = Callable[[Particle], Site | Machine[Any] | None]
Stop = Callable[[Particle, Effect[Any]], bool]
Pause = Callable[[Particle], bool]

DRAW, SCORE, RETRACE, COMPLETE, CALL = 0, 1, 2, 3, 4


class Rest:
    """What `choose` returns at an atom to impose it and all that follow in the same text: one pass scores them."""

    __slots__ = ("atoms",)

    def __init__(self, atoms: tuple[Any, ...]) -> None:
        self.atoms = atoms


# (operation, class of the distributions or batched function, family): the members of a group share one call
Group = tuple[int, Any, Hashable]


class Item:
    """One pending effect on its way into a group. dist: what is evaluated; value: what is scored."""

    __slots__ = ("dist", "effect", "particle", "request", "value")

    def __init__(self, request: Request, particle: Particle, effect: Any, dist: Any, value: Any) -> None:
        self.request, self.particle, self.effect, self.dist, self.value = request, particle, effect, dist, value


Groups = dict[Group, list[Item]]
Collected = list[tuple[Group, Item]]


class Request:
    """Advance `particles` until each is done or has answered an effect for which `stop(particle, effect)` holds.

    recall(particle) -> Site, asked first, answers a sample, observation or call from the record of an execution with
    the same past (or -> Machine takes up one of its texts): nothing is drawn, scored, called or charged.
    choose(particle) -> (fixed?, value) imposes values on sample sites. pause(particle), asked at sample sites that are
    not fixed, leaves the particle before its draw. Draws use the key fold(key, round, slot), rounds counted from the
    start of the request, so what a particle draws does not depend on its company.
    """

    __slots__ = ("choose", "error", "key", "live", "meter", "pause", "recall", "round", "stop")

    def __init__(
        self, particles: Sequence[Particle], key: Key, *, choose: Choose | None = None, recall: Recall | None = None,
        stop: Stop | None = None, pause: Pause | None = None, meter: Meter | None = None,
    ) -> None:
        self.live = [p for p in particles if p.pending is not None]
        for p in self.live:
            p.resting = False
        self.key, self.choose, self.recall, self.stop, self.pause, self.meter = key, choose, recall, stop, pause, meter
        self.round = 0
        self.error: Exception | None = None

    def requests(self) -> list[Request]:
        """Itself, while it is live: what `play_round` takes (a gathering of coroutines has several)."""
        return [self] if self.live else []

    def progress(self) -> None:
        """After a round, nothing is left to do (a gathering of coroutines resumes those that can go on)."""

    def collect(self) -> Collected:
        """The pending effect of every live particle with its group; what needs no group is answered on the way."""
        collected: Collected = []
        for p in self.live:
            found = self._next(p)
            if found is not None:
                collected.append(found)
        return collected

    def refuse(self, error: BudgetExhausted) -> None:
        """The meter cannot pay for the round: the particles stay where they are."""
        self.error, self.live = error, []

    def settle(self) -> None:
        """After a round: keep the particles that are still on their way."""
        self.live = [p for p in self.live if p.pending is not None and not p.resting]
        self.round += 1

    def rest(self, p: Particle) -> None:
        """Stop a particle here if what it has just been answered is where it should stop."""
        stop = self.stop
        if stop is not None and p.pending is not None:
            p.resting = any(stop(p, effect) for effect in p.answered)

    def _next(self, p: Particle) -> tuple[Group, Item] | None:
        """Run a particle to the next effect that needs a group; None if it finishes, dies, stops or pauses first."""
        while (effect := p.pending) is not None and not p.resting:
            if isinstance(effect, Factor):
                p.weigh(effect)
                self.rest(p)
            elif self.recall is not None and (known := self.recall(p)) is not None:
                if isinstance(known, Site):
                    p.recall(known)
                    self.rest(p)
                else:
                    p.enter(known)
            elif isinstance(effect, Sample):
                fixed, value = (False, None) if self.choose is None else self.choose(p)
                dist = effect.dist
                if fixed and type(value) is Rest:
                    text = p.frames[-1].effect.dist
                    return (COMPLETE, type(text), text.family), Item(self, p, effect, text, value.atoms)
                if fixed:
                    op = RETRACE if effect.sequential else SCORE
                elif effect.sequential:
                    p.enter()
                    continue
                elif self.pause is not None and self.pause(p):
                    p.resting = True
                    return None
                else:
                    op = DRAW
                    if effect.proposal is not None:
                        dist = effect.proposal
                return (op, type(dist), dist.family), Item(self, p, effect, dist, value)
            elif isinstance(effect, Observe):
                dist = effect.dist
                return (SCORE, type(dist), dist.family), Item(self, p, effect, dist, effect.value)
            else:
                assert isinstance(effect, Call), effect
                # Functions that are not batched are called one by one, so they need no groups of their own.
                fn = effect.fn if isinstance(effect.fn, Batched) else None
                return (CALL, fn, None), Item(self, p, effect, None, None)
        return None


def calls_of(group: Hashable, dist: Any) -> list[Hashable]:
    """The language-model calls that evaluate a group of distributions like this one: a product makes one for each
    model."""
    return [(group, model) for model in getattr(dist, "models", (None,))]


def charge(meter: Meter, collected: Sequence[tuple[Group, Item]]) -> None:
    """Charge a round before it is played. Raises BudgetExhausted, charging nothing."""
    tokens = rewards = 0
    calls: set[Hashable] = set()
    for group, item in collected:
        effect, dist, value = item.effect, item.dist, item.value
        times = 1
        if group[0] == COMPLETE:  # every atom costs what the pending one does
            dist, times = effect.dist, len(value)
        if dist is None:
            fn = effect.fn
            if (count := getattr(fn, "tokens", None)) is not None:
                tokens += count(*effect.args)
                calls.add(group)
            rewards += bool(getattr(fn, "reward", False))
            continue
        if (count := getattr(dist, "tokens", None)) is not None:
            tokens += times * count(value)
            calls.update(calls_of(group, dist))
        if isinstance(effect, Sample) and effect.proposal is not None:
            other = effect.dist if dist is effect.proposal else effect.proposal
            if (count := getattr(other, "tokens", None)) is not None and (more := count(value, dist)):
                tokens += times * more
                calls.update(calls_of((group, type(other), other.family), other))  # each group scores its own
    meter.check(tokens, len(calls), rewards)
    meter.charge(tokens, len(calls), rewards, rounds=1)
