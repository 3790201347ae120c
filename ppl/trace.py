"""Traces: what a program did, as a tree of sites."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from typing import Any

from .address import Address, format_address, parse_address
from .effects import Invocation
from .errors import UnknownAddress

# Kinds of site whose density is that of the sites inside; "text" is a text that is still being drawn.
_SCOPES = ("program", "unfold", "text")


class Site:
    """One answered effect.

    value: what the program received. log_p (nats): log density of a sample or observation, log-factor of a factor, 0
    for everything else. log_q (nats): log density under what draws this site (its proposal if it has one). fixed:
    the value was imposed, not drawn, so the weight gained log_p and not log_p - log_q. sub: the sites
    inside (of a sub-program, an unfold, a text), as an object with `sites()`.
    """

    __slots__ = ("fixed", "k", "kind", "log_p", "log_q", "name", "sub", "value")

    def __init__(
        self, name: Hashable, k: int, kind: str, value: Any, log_p: float = 0.0, log_q: float = 0.0,
        fixed: bool = False, sub: Any = None,
    ) -> None:
        self.name, self.k, self.kind, self.value = name, k, kind, value
        self.log_p, self.log_q, self.fixed, self.sub = log_p, log_q, fixed, sub

    def __repr__(self) -> str:
        return f"Site({format_address((self.name, self.k))}, {self.kind}, {self.value!r}, log_p={self.log_p:.4g})"


class Scope:
    """The sites inside a sub-program that has returned."""

    __slots__ = ("_sites",)

    def __init__(self, sites: list[Site]) -> None:
        self._sites = sites

    def sites(self, begin: int = 0) -> list[Site]:
        return self._sites[begin:] if begin else self._sites

    def __len__(self) -> int:
        return len(self._sites)


class Trace:
    """The record of one finished execution: its sites in order, and the value that the program returned."""

    __slots__ = ("_sites", "program", "value")

    def __init__(self, program: Invocation[Any] | None, sites: list[Site], value: Any) -> None:
        self.program, self._sites, self.value = program, sites, value

    def sites(self, begin: int = 0) -> list[Site]:
        """The sites of the outermost scope from the `begin`-th on, oldest first."""
        return self._sites[begin:] if begin else self._sites

    def walk(self, scope: Address = ()) -> Iterator[tuple[Address, Site]]:
        """Every site with its address, depth first, scopes before what is inside them."""
        yield from _walk(self._sites, scope)

    def site(self, address: str | Address) -> Site:
        """The site at an address such as ``"line#1/token#5"``. Raises UnknownAddress."""
        parsed = parse_address(address)
        if not parsed:
            raise UnknownAddress("the empty address names no site")
        sites = self._sites
        for i in range(0, len(parsed), 2):
            found = next((s for s in sites if s.name == parsed[i] and s.k == parsed[i + 1]), None)
            if found is None:
                here = ", ".join(format_address((s.name, s.k)) for s in sites[:12]) or "nothing"
                raise UnknownAddress(f"no site {format_address(parsed[: i + 2])!r}; this scope has: {here}")
            sites = found.sub.sites() if found.sub is not None else []
        return found  # type: ignore[return-value]

    def __getitem__(self, address: str | Address) -> Any:
        return self.site(address).value

    def __contains__(self, address: str | Address) -> bool:
        try:
            self.site(address)
        except UnknownAddress:
            return False
        return True

    def outer_sites(self) -> Iterator[tuple[Address, Site]]:
        """Every site that is no scope, with its address, in the order of execution; texts are not taken apart."""
        return _outer(self._sites, ())

    def choice_sites(self) -> dict[Address, Site]:
        """Address -> site of every latent choice; a text is one choice."""
        return {a: s for a, s in self.outer_sites() if s.kind == "sample"}

    def choices(self) -> dict[Address, Any]:
        """Address -> value of every latent choice; a text is one choice."""
        return {a: s.value for a, s in self.choice_sites().items()}

    @property
    def log_joint(self) -> float:
        """log of the unnormalised posterior density of this trace, in nats: samples, observations and factors."""
        return math.fsum(s.log_p for _, s in self.outer_sites())

    def to_json(self) -> dict[str, Any]:
        """A JSON-serialisable dict; `Trace.from_json` reads it back (without the program)."""
        from .encode import encode_trace

        return encode_trace(self)

    @staticmethod
    def from_json(data: dict[str, Any], program: Invocation[Any] | None = None) -> Trace:
        from .encode import decode_trace

        return decode_trace(data, program)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Trace):
            return NotImplemented
        mine, theirs = self.to_json(), other.to_json()
        return (mine["value"], mine["sites"]) == (theirs["value"], theirs["sites"])

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Trace of {self.program.name if self.program is not None else 'a program'!r}: {self.value!r:.60}>"

    def __str__(self) -> str:
        lines = [repr(self)]
        _draw_tree(self._sites, "", lines)
        return "\n".join(lines)


def _walk(sites: list[Site], scope: Address) -> Iterator[tuple[Address, Site]]:
    for s in sites:
        address = (*scope, s.name, s.k)
        yield address, s
        if s.sub is not None:
            yield from _walk(s.sub.sites(), address)


def _outer(sites: list[Site], scope: Address) -> Iterator[tuple[Address, Site]]:
    """The sites that carry density: scopes are entered, texts are not (their site holds the sum of their tokens)."""
    for s in sites:
        if s.kind in _SCOPES:
            if s.sub is not None:
                yield from _outer(s.sub.sites(), (*scope, s.name, s.k))
        else:
            yield (*scope, s.name, s.k), s


def _draw_tree(sites: list[Site], indent: str, lines: list[str]) -> None:
    for i, s in enumerate(sites):
        last = i == len(sites) - 1
        label = format_address((s.name, s.k))
        value = "" if s.kind in ("factor", "condition", "observe") and s.value is None else f" = {s.value!r:.60}"
        score = f"   [{s.log_p:.4g} nats]" if s.kind in ("sample", "observe", "factor", "condition") else ""
        lines.append(f"{indent}{'└─' if last else '├─'} {s.kind} {label}{value}{score}")
        if s.sub is not None and s.kind in _SCOPES:
            _draw_tree(s.sub.sites(), indent + ("   " if last else "│  "), lines)
