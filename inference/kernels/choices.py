"""The choices of an execution as moves see them: in order, and texts taken apart into their tokens."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from steersman.ppl.address import Address, format_address, parse_address
from steersman.ppl.trace import Site, Trace

Names = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One latent choice. atoms: how many draws it took (the tokens of a text, its end included; 1 for any other)."""

    address: Address
    site: Site
    atoms: int

    @property
    def is_text(self) -> bool:
        """Whether it was drawn atom by atom."""
        return self.site.sub is not None

    def log_q(self, begin: int = 0, end: int | None = None) -> float:
        """log density, in nats, with which the atoms begin..end would be drawn again."""
        if self.site.kind != "text" and (not self.is_text or (begin == 0 and end is None)):
            return float(self.site.log_q) if begin == 0 and end != 0 else 0.0
        return float(sum(s.log_q for s in self.site.sub.sites()[begin:end]))

    def values(self) -> tuple[Any, ...]:
        """The atoms of a text."""
        return tuple(s.value for s in self.site.sub.sites())


def choices_of(trace: Trace) -> list[Choice]:
    """The latent choices in the order in which they were made; a text that is half drawn is the last of them."""
    choices = [Choice(a, s, 1 if s.sub is None else len(s.sub)) for a, s in trace.choice_sites().items()]
    address, text = _unfinished_text(trace)
    if text is None:
        return choices
    atoms = len(text.sub)
    whole = [Choice(address, text, atoms)] if atoms else []
    return choices[: len(choices) - atoms] + whole


def _unfinished_text(trace: Trace) -> tuple[Address, Site | None]:
    """The text that an execution which is not finished is drawing: the innermost of the scopes that it ends in."""
    address: Address = ()
    sites = trace.sites()
    while sites and (last := sites[-1]).kind in ("program", "unfold", "text") and last.sub is not None:
        address = (*address, last.name, last.k)
        if last.kind == "text":
            return address, last
        sites = last.sub.sites()
    return (), None


def matches(names: Names, address: Address) -> bool:
    """Whether a site is meant by `names`: no names mean every site, a name the sites of that name and all that is in
    scopes of that name, an address such as "line#1" or "verse/line" that site or scope alone."""
    return not names or any(_matches(name, address) for name in names)


def _matches(name: Hashable, address: Address) -> bool:
    if name in address[::2]:
        return True
    if isinstance(name, str) and ("#" in name or "/" in name):
        parsed = parse_address(name)
        return address[: len(parsed)] == parsed
    return False


def cut_at(choices: Sequence[Choice], first: int, k: int = 0) -> float:
    """Where in the execution the k-th atom of a choice is, as a fraction of all atoms."""
    return (sum(c.atoms for c in choices[:first]) + k) / sum(c.atoms for c in choices)


def none_named(names: Names, trace: Trace) -> str:
    """The message for a move that finds nothing to change, though not for want of texts."""
    there = list(dict.fromkeys(format_address(a) for a in trace.choices()))
    have = ", ".join(there[:8]) + (", ..." if len(there) > 8 else "")
    if not there:
        return "the program makes no choice, so there is nothing to change"
    if any(matches(names, a) for a in trace.choices()):
        return "at(trace) gives every place the weight 0"
    return f"no choice is named {' or '.join(map(repr, names))}; the program has {have}"
