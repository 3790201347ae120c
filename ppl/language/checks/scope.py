"""`Scope`: which variables are assigned at a point of a body, and what is known of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .value import Value, join


@dataclass(frozen=True, slots=True)
class Binding:
    """certain: assigned on every path that leads here."""

    value: Value
    certain: bool = True


class Scope:
    """The bindings that a block has changed; for the others it looks into its parent. dead: no run comes this far."""

    def __init__(self, parent: Scope | None = None) -> None:
        self.parent, self.changed, self.dead = parent, dict[str, Binding](), False

    def get(self, name: str) -> Binding | None:
        at: Scope | None = self
        while at is not None:
            if name in at.changed:
                return at.changed[name]
            at = at.parent
        return None

    def bind(self, name: str, value: Value, certain: bool = True) -> None:
        self.changed[name] = Binding(value, certain)

    def names(self) -> Iterator[str]:
        at: Scope | None = self
        while at is not None:
            yield from at.changed
            at = at.parent

    def since(self, outer: Scope) -> Scope:
        """All that has changed since `outer`, of which this is a descendant, as one scope."""
        flat, chain, at = Scope(outer), list[Scope](), self
        while at is not outer:
            chain.append(at)
            assert at.parent is not None
            at = at.parent
        for scope in reversed(chain):
            flat.changed.update(scope.changed)
        flat.dead = self.dead
        return flat

    def merge(self, paths: Iterable[Scope], names: Iterable[str] = ()) -> None:
        """Go on where those of the paths (descendants of this scope) meet that are not dead; with none, this is dead.
        names: those that may have changed between this scope and a path, besides those that the paths changed."""
        alive = [p for p in paths if not p.dead]
        if not alive:
            self.dead = True
            return
        for name in dict.fromkeys((*names, *(n for p in alive for n in p.changed))):
            bindings = [p.get(name) for p in alive]
            if any(bindings):
                self.changed[name] = _meet(bindings)


def _meet(bindings: list[Binding | None]) -> Binding:
    there = [b for b in bindings if b is not None]
    value = there[0].value
    for b in there[1:]:
        value = join(value, b.value)
    return Binding(value, len(there) == len(bindings) and all(b.certain for b in there))
