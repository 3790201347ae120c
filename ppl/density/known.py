"""`Densities`: the densities of many executions of one program, each made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..address import Address
from ..particle import Particle
from ..trace import Site, Trace
from .density import LogDensity
from .tracing import log_density

_KNOWN = 64


class Densities:
    """The last 64 densities that were used; executions that differ only in the arguments of one share it. make: as
    `log_density`."""

    def __init__(self, make: Callable[..., LogDensity] = log_density) -> None:
        self._known: list[LogDensity] = []
        self._make = make

    def of(
        self, trace: Trace, sites: Mapping[Address, Site], chosen: Sequence[Address],
        particle: Callable[[], Particle] | None = None,
    ) -> LogDensity:
        """The density of an execution; the others as in `log_density`. sites: its `outer_sites`."""
        found = next((d for d in self._known if d.fits(trace, sites, chosen)), None)
        if found is None:
            given = next((d.given for d in self._known if d.resembles(sites, chosen)), None)
            found = self._make(trace, chosen, particle=particle, given=given)
            for d in self._known[:1]:
                found.share(d)
            del self._known[_KNOWN - 1 :]
        else:
            self._known.remove(found)
        self._known.insert(0, found)
        return found
