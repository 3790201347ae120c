"""What the particles of a population did, generation by generation: the texts behind a genealogy."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import Any, NamedTuple

from steersman.ppl.address import Address, format_address
from steersman.ppl.effects import Effect
from steersman.ppl.particle import Particle
from steersman.ppl.requests import Stop
from steersman.ppl.trace import Scope, Site, Trace

Pieces = Sequence[bytes] | dict[int, bytes]
Position = tuple[int, ...]

LIMIT = 2_000_000
"""Atoms that a history holds (16 bytes each): it then stops to record."""

_SILENT = frozenset({"call", "param"})


class Place(NamedTuple):
    """Where atoms come from: the address of a site, its kind, and, for tokens, the number of their vocabulary."""

    address: str
    kind: str
    vocabulary: int | None = None


class Atom(NamedTuple):
    """A token, or a site that is no text. value: the bytes of a token; log_p, log_q in nats, as in `Site`."""

    place: Place
    value: Any
    log_p: float
    log_q: float


class History:
    """An append-only record beside a `Genealogy`: what each particle of a generation did since its parent's end.

    Each generation costs only what is new in it, so that a whole run holds every atom once, forks or not. Particles
    that die keep what they did. full: whether `limit` atoms were reached, after which nothing is recorded.

        history.append(particles)                         # generation 0 at the first stop
        history.append(particles, ancestry.index)         # generation 1, and so on
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit, self.full = limit, False
        self.places: list[Place] = []
        self._place_of: dict[Hashable, int] = {}
        self.vocabularies: list[Pieces] = []
        self._vocabulary_of: dict[int, int] = {}
        self._tokens: dict[Hashable, int | None] = {}
        self._starts: list[array[int]] = []
        self._rewritten: list[frozenset[int]] = []
        self._place, self._item = array("i"), array("i")
        self._log_p, self._log_q = array("f"), array("f")
        self._values: list[Any] = []
        self._positions: list[Position | None] = []

    @classmethod
    def of_traces(cls, traces: Sequence[Trace | None]) -> History:
        """One generation, of these executions; what a particle that died did is not in its trace."""
        history = cls()
        starts = array("i")
        for trace in traces:
            starts.append(len(history._place))
            if trace is not None:
                history._read(trace.sites(), ())
        starts.append(len(history._place))
        history._starts.append(starts)
        history._rewritten.append(frozenset(range(len(traces))))
        return history

    def __len__(self) -> int:
        """The number of generations."""
        return len(self._starts)

    @property
    def atoms_held(self) -> int:
        return len(self._place)

    def watching(self, stop: Stop) -> Stop:
        """The same predicate, which also notes the names of sites that draw single tokens, and how these are spelt."""

        def watch(particle: Particle, effect: Effect[Any]) -> bool:
            if effect.kind == "sample" and effect.name not in self._tokens:
                pieces = getattr(effect.dist, "pieces", None)
                self._tokens[effect.name] = None if pieces is None else self._vocabulary(pieces)
            return stop(particle, effect)

        return watch

    def append(
        self, particles: Sequence[Particle], parents: Iterable[int] | None = None, moved: Collection[int] = ()
    ) -> None:
        """Record a generation at its end. parents: an index into the generation before, for each particle. moved: slots
        whose past has been replaced since; what they did is recorded from the start."""
        self.full = self.full or len(self._place) >= self.limit
        if self.full:
            return
        before: list[Position | None] = [()] * len(particles)
        if parents is not None:
            before = [() if j in moved else self._positions[i] for j, i in enumerate(parents)]
        starts, positions = array("i"), list[Position | None]()
        for particle, position in zip(particles, before, strict=True):
            starts.append(len(self._place))
            positions.append(None if position is None else self._follow(particle, position))
        starts.append(len(self._place))
        self._starts.append(starts)
        self._rewritten.append(frozenset(moved))
        self._positions = positions

    def atoms(self, t: int, i: int) -> list[Atom]:
        """What particle i of generation t did since the end of its parent; everything it did if it was `rewritten`."""
        first, last = self._starts[t][i : i + 2]
        return [self._atom(a) for a in range(first, last)]

    def rewritten(self, t: int, i: int) -> bool:
        """Whether `atoms(t, i)` replace what the ancestors did (a move has changed it)."""
        return i in self._rewritten[t]

    def killed(self) -> dict[str, int]:
        """Site -> how many particles it killed, the most deadly first."""
        count: dict[str, int] = {}
        for place in self._place:
            if self.places[place].kind == "killed":
                address = self.places[place].address
                count[address] = count.get(address, 0) + 1
        return dict(sorted(count.items(), key=lambda kv: -kv[1]))

    def _atom(self, a: int) -> Atom:
        place, item = self.places[self._place[a]], self._item[a]
        value = self._values[item] if place.vocabulary is None else self.vocabularies[place.vocabulary][item]
        return Atom(place, value, self._log_p[a], self._log_q[a])

    def _follow(self, particle: Particle, position: Position) -> Position | None:
        """Record what is new behind a position in the tree of scopes; the position now, None at the end."""
        finished: Trace | None = particle.trace
        scopes: Sequence[Any] = [finished] if finished is not None else particle.frames or particle.closed
        address: Address = ()
        now, old = [], position
        for depth, scope in enumerate(scopes):
            if depth:
                address = (*address, scope.effect.name, scope.k)
            begin, old = (old[0], old[1:]) if old else (0, ())
            if (machine := getattr(scope, "machine", None)) is not None:
                now.append(begin + self._spell(address, machine, begin))
                break
            sites = scope.sites(begin)
            if sites:  # the first of them is the scope that was open, if one was; what is open now is new
                self._read(sites, address, old)
                old = ()
            now.append(begin + len(sites))
        if particle.dead:
            self._add(self._at((particle.killed_by, 0), "killed"), None, 0.0, 0.0)
        return None if particle.done else tuple(now)

    def _read(self, sites: Sequence[Site], scope: Address, old: Position = ()) -> None:
        """Record sites, the first one from an old position inside it on."""
        for site in sites:
            kind, address = site.kind, (*scope, site.name, site.k)
            if kind == "sample":
                if site.sub is None or isinstance(site.sub, Scope):  # of a text that was read from a file, no machine
                    self._draw(site, address)
                else:
                    self._spell(address, site.sub, old[0] if old else 0)
            elif kind in ("program", "unfold") and site.sub is not None:
                self._read(site.sub.sites(old[0] if old else 0), address, old[1:])
            elif kind not in _SILENT:
                self._add(self._at(address, kind), site.value, site.log_p, site.log_q)
            old = ()

    def _draw(self, site: Site, address: Address) -> None:
        """A choice that is no text; it may be a token."""
        value, vocabulary = site.value, self._tokens.get(site.name)
        if vocabulary is not None and not (type(value) is int and 0 <= value < len(self.vocabularies[vocabulary])):
            vocabulary = None
        place = self._at(address, "sample" if vocabulary is None else "token", vocabulary)
        self._add(place, value, site.log_p, site.log_q)

    def _spell(self, address: Address, machine: Any, begin: int) -> int:
        """The tokens of a text from the `begin`-th on; how many there are."""
        sites = machine.sites(begin)
        if sites:
            pieces = getattr(machine, "pieces", None)
            place = self._at(address, "text", None if pieces is None else self._vocabulary(pieces))
            for s in sites:
                self._add(place, s.value, s.log_p, s.log_q)
        return len(sites)

    def _add(self, place: int, value: Any, log_p: float, log_q: float) -> None:
        self._place.append(place)
        if self.places[place].vocabulary is None:
            self._item.append(len(self._values))
            self._values.append(value)
        else:
            self._item.append(value)
        self._log_p.append(log_p)
        self._log_q.append(log_q)

    def _vocabulary(self, pieces: Sequence[bytes]) -> int:
        number = self._vocabulary_of.get(id(pieces))
        if number is None:
            number = next((i for i, known in enumerate(self.vocabularies) if known == pieces), None)
            if number is None:
                number = self._vocabulary_of[id(pieces)] = len(self.vocabularies)
                self.vocabularies.append(pieces)
        return number

    def _at(self, address: Address, kind: str, vocabulary: int | None = None) -> int:
        key = address, kind, vocabulary
        number = self._place_of.get(key)
        if number is None:
            number = self._place_of[key] = len(self.places)
            self.places.append(Place(format_address(address), kind, vocabulary))
        return number
