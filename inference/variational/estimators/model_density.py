"""The density of the program along a path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from steersman.ppl.address import Address
from steersman.ppl.density import Densities, LogDensity
from steersman.ppl.trace import Site, Trace

_known: WeakKeyDictionary[Any, Densities] = WeakKeyDictionary()
_checked: WeakSet[LogDensity] = WeakSet()


def model_density(guide: Any, trace: Trace, sites: Mapping[Address, Site], moving: Sequence[Address]) -> LogDensity:
    """The density of an execution as a function of the choices that move; a guide remembers the last 64. sites: its
    `outer_sites`.

    Raises TracedControlFlow where the program needs one of these choices as a number, also to write it into a text:
    every density that is made is compared with a run of the program on the values themselves.
    """
    density = _known.setdefault(guide, Densities()).of(trace, sites, moving)
    if density not in _checked:
        density.check()
        _checked.add(density)
    return density
