"""The verbs: each is `advance` with another `choose` (DESIGN section 2; Cusumano-Towner et al. 2019, "Gen").

Traces carry log-weights in nats. Where a verb draws at a site with a proposal q, its weight gains log p - log q.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from .address import Address, format_address, parse_address
from .driver import advance
from .errors import UnknownAddress
from .keys import Key
from .particle import Particle
from .program import as_invocation
from .trace import Site, Trace

Constraints = Mapping[Any, Any]


@dataclass(frozen=True)
class Weighted:
    """A trace and the log-weight (nats) with which a verb produced it. log_weight is -inf if the trace is dead, and
    `trace` is then None. discarded: the choices of an old trace that the new one does not use."""

    trace: Trace | None
    log_weight: float
    discarded: dict[Address, Any]

    @property
    def value(self) -> Any:
        return self.trace.value if self.trace is not None else None


def simulate(model: Any, key: Key | int = 0) -> Weighted:
    """Draw every choice. log weight: sum of factors and observations (and log p - log q at proposals)."""
    particle = Particle(as_invocation(model))
    advance([particle], _key(key))
    return Weighted(particle.trace, particle.log_weight, {})


def generate(model: Any, constraints: Constraints, key: Key | int = 0) -> Weighted:
    """Fix the sites that `constraints` (address -> value) names, draw the others.

    log weight: sum log p(fixed) + sum (log p - log q)(drawn) + factors. Raises UnknownAddress for a constraint that
    the execution never meets.
    """
    particle = Particle(as_invocation(model))
    _impose(_table(constraints), particle, _key(key), lambda p, address: (False, None))
    return Weighted(particle.trace, particle.log_weight, {})


def assess(model: Any, choices: Constraints) -> Weighted:
    """Score a complete set of choices: nothing is drawn. log weight: the log joint density.

    Raises UnknownAddress for a site without a value and for a value without a site.
    """
    table = _table(choices)

    def otherwise(p: Particle, address: Address) -> tuple[bool, Any]:
        if p.pending.sequential and any(a[: len(address)] == address for a in table):  # type: ignore[union-attr]
            return False, None  # its atoms are given one by one
        raise UnknownAddress(f"assess: {p.where()} has no value; choices name {_names(table)}")

    particle = Particle(as_invocation(model))
    _impose(table, particle, Key(0), otherwise)
    return Weighted(particle.trace, particle.log_weight, {})


def update(trace: Trace, constraints: Constraints, key: Key | int = 0) -> Weighted:
    """Change some choices of a trace, keep the others, draw those that are new.

    log weight: log joint(new) - sum log q(new draws) - log joint(old). `discarded`: the old choices that were
    overwritten or are no longer reached.
    """
    table = _table(constraints)
    old = _units(trace, table)
    kept: set[Address] = set()

    def otherwise(p: Particle, address: Address) -> tuple[bool, Any]:
        if address not in old:
            return False, None
        kept.add(address)
        return True, old[address].value

    particle = Particle(_program(trace))
    _impose(table, particle, _key(key), otherwise)
    discarded = {a: s.value for a, s in old.items() if a not in kept}
    return Weighted(particle.trace, particle.log_weight - trace.log_joint, discarded)


def regenerate(trace: Trace, selection: Collection[Any], key: Key | int = 0) -> Weighted:
    """Draw the selected choices afresh, keep the others where they are still reached.

    log weight: sum over kept sites of (log p' - log p) + change in factors, the ratio of a Metropolis-Hastings move
    that proposes from the program (Gen's `regenerate`); draws from proposals enter by log p - log q, both ways.
    """
    selected = {parse_address(a) for a in selection}
    units = _units(trace, selected)
    if unknown := [a for a in selected if a not in units]:
        raise UnknownAddress(
            f"regenerate: the trace has no choice {_names(dict.fromkeys(unknown))}; it has {_names(trace.choices())}"
        )
    kept: set[Address] = set()

    def choose(p: Particle) -> tuple[bool, Any]:
        address = p.address
        if address not in units or address in selected:
            return False, None
        kept.add(address)
        return True, units[address].value

    particle = Particle(_program(trace))
    advance([particle], _key(key), choose=choose)
    before = trace.log_joint - sum(s.log_q for a, s in units.items() if a not in kept)
    discarded = {a: s.value for a, s in units.items() if a not in kept}
    return Weighted(particle.trace, particle.log_weight - before, discarded)


def _impose(
    table: Mapping[Address, Any], particle: Particle, key: Key,
    otherwise: Callable[[Particle, Address], tuple[bool, Any]],
) -> None:
    """Advance a particle to its end with the values of `table` imposed; `otherwise` chooses at all other sites.

    Raises UnknownAddress for an address of `table` that the execution never meets.
    """
    met: set[Address] = set()

    def choose(p: Particle) -> tuple[bool, Any]:
        address = p.address
        if address not in table:
            return otherwise(p, address)
        met.add(address)
        return True, table[address]

    advance([particle], key, choose=choose)
    _check_met(table, met, particle)


def _units(trace: Trace, named: Collection[Address]) -> dict[Address, Site]:
    """The choices of a trace, a text taken apart into its tokens where one of them is named."""
    units: dict[Address, Site] = {}
    for address, site in trace.choice_sites().items():
        n = len(address)
        if site.sub is not None and any(len(a) > n and a[:n] == address for a in named):
            units |= {(*address, s.name, s.k): s for s in site.sub.sites() if s.kind == "sample"}
        else:
            units[address] = site
    return units


def _key(key: Key | int) -> Key:
    return key if isinstance(key, Key) else Key(key)


def _program(trace: Trace) -> Any:
    if trace.program is None:
        raise ValueError("this trace was read from a file and has no program: use Trace.from_json(data, program=...)")
    return trace.program


def _table(constraints: Constraints) -> dict[Address, Any]:
    return {parse_address(a): v for a, v in constraints.items()}


def _names(table: Mapping[Address, Any]) -> str:
    names = [format_address(a) for a in table]
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "") or "nothing"


def _check_met(table: Mapping[Address, Any], met: set[Address], particle: Particle) -> None:
    """A constraint that no site met is a mistake, unless the execution died before it could."""
    missed = [a for a in table if a not in met]
    if missed and not particle.dead:
        assert particle.trace is not None
        there = {a: None for a, s in particle.trace.walk() if s.kind == "sample"}
        raise UnknownAddress(f"no sample site {_names(dict.fromkeys(missed))}; the program has {_names(there)}")
