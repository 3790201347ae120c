"""What the particles of a population did, generation by generation: the texts behind a genealogy."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import Any

from steersman.ppl.address import Address
from steersman.ppl.effects import Effect
from steersman.ppl.particle import Particle
from steersman.ppl.requests import Stop
from steersman.ppl.trace import Scope, Site, Trace

from .atoms import Atom, Atoms

Position = tuple[int, ...]

LIMIT = 2_000_000
"""Atoms that a history holds (16 bytes each): it then stops to record."""

_SILENT = frozenset({"call", "param"})


class History:
    """An append-only record beside a `Genealogy`: what each particle of a generation did since its parent's end.

    Each generation costs only what is new in it, so that a whole run holds every atom once, forks or not. Particles
    that die keep what they did. held: all atoms; those of particle i of generation t begin at starts[t][i].
    rewritings[t]: the particles whose past was replaced. full: whether `limit` atoms were reached, after which nothing
    is recorded.

        history.append(particles)                         # generation 0 at the first stop
        history.append(particles, ancestry.index)         # generation 1, and so on
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit, self.full = limit, False
        self.held = Atoms()
        self._tokens: dict[Hashable, int | None] = {}
        self.starts: list[array[int]] = []
        self.rewritings: list[frozenset[int]] = []
        self._positions: list[Position | None] = []

    @classmethod
    def of_traces(cls, traces: Sequence[Trace | None]) -> History:
        """One generation, of these executions; what a particle that died did is not in its trace."""
        history = cls()
        starts = array("i")
        for trace in traces:
            starts.append(len(history.held))
            if trace is not None:
                history._read(trace.sites(), ())
        starts.append(len(history.held))
        history.starts.append(starts)
        history.rewritings.append(frozenset(range(len(traces))))
        return history

    def __len__(self) -> int:
        """The number of generations."""
        return len(self.starts)

    def watching(self, stop: Stop) -> Stop:
        """The same predicate, which also notes the names of sites that draw single tokens, and how these are spelt."""

        def watch(particle: Particle, effect: Effect[Any]) -> bool:
            if effect.kind == "sample" and effect.name not in self._tokens:
                pieces = getattr(effect.dist, "pieces", None)
                self._tokens[effect.name] = None if pieces is None else self.held.vocabulary(pieces)
            return stop(particle, effect)

        return watch

    def append(
        self, particles: Sequence[Particle], parents: Iterable[int] | None = None, moved: Collection[int] = ()
    ) -> None:
        """Record a generation at its end. parents: an index into the generation before, for each particle. moved: slots
        whose past has been replaced since; what they did is recorded from the start."""
        self.full = self.full or len(self.held) >= self.limit
        if self.full:
            return
        before: list[Position | None] = [()] * len(particles)
        if parents is not None:
            before = [() if j in moved else self._positions[i] for j, i in enumerate(parents)]
        starts, positions = array("i"), list[Position | None]()
        for particle, position in zip(particles, before, strict=True):
            starts.append(len(self.held))
            positions.append(None if position is None else self._follow(particle, position))
        starts.append(len(self.held))
        self.starts.append(starts)
        self.rewritings.append(frozenset(moved))
        self._positions = positions

    def atoms(self, t: int, i: int) -> list[Atom]:
        """What particle i of generation t did since the end of its parent; everything it did if it was `rewritten`."""
        first, last = self.starts[t][i : i + 2]
        return [self.held[a] for a in range(first, last)]

    def rewritten(self, t: int, i: int) -> bool:
        """Whether `atoms(t, i)` replace what the ancestors did (a move has changed it)."""
        return i in self.rewritings[t]

    def killed(self) -> dict[str, int]:
        """Site -> how many particles it killed, the most deadly first."""
        return self.held.count("killed")

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
            self.held.add(self.held.at((particle.killed_by, 0), "killed"), None, 0.0, 0.0)
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
                self.held.add(self.held.at(address, kind), site.value, site.log_p, site.log_q)
            old = ()

    def _draw(self, site: Site, address: Address) -> None:
        """A choice that is no text; it may be a token."""
        value, vocabulary = site.value, self._tokens.get(site.name)
        if vocabulary is not None and not (type(value) is int and 0 <= value < len(self.held.vocabularies[vocabulary])):
            vocabulary = None
        place = self.held.at(address, "sample" if vocabulary is None else "token", vocabulary)
        self.held.add(place, value, site.log_p, site.log_q)

    def _spell(self, address: Address, machine: Any, begin: int) -> int:
        """The tokens of a text from the `begin`-th on; how many there are."""
        sites = machine.sites(begin)
        if sites:
            pieces = getattr(machine, "pieces", None)
            place = self.held.at(address, "text", None if pieces is None else self.held.vocabulary(pieces))
            for s in sites:
                self.held.add(place, s.value, s.log_p, s.log_q)
        return len(sites)
