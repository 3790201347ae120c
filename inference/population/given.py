"""`Given`: choices that are imposed on a whole population, so that it samples the others given them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from steersman.ppl.address import Address
from steersman.ppl.particle import Particle
from steersman.ppl.trace import Trace


class Given:
    """values: address -> value of every choice that is not free. free: which choices are left to the population.

    The executions that agree with it make exactly these choices besides free ones; imposed values are scored, so the
    weights of a sweep estimate  sum of p(x) over the executions x that agree.
    """

    def __init__(self, values: Mapping[Address, Any], free: Callable[[Address], bool]) -> None:
        self.values, self.free = dict(values), free

    @classmethod
    def of(cls, trace: Trace, free: Callable[[Address], bool]) -> Given:
        """The choices of an execution that are not free."""
        return cls({a: v for a, v in trace.choices().items() if not free(a)}, free)

    def imposes(self, address: Address) -> bool:
        return address in self.values

    def choose(self, p: Particle) -> tuple[bool, Any]:
        """The hook of `advance`."""
        address = p.address
        return (True, self.values[address]) if address in self.values else (False, None)

    def agrees(self, trace: Trace) -> bool:
        """Whether a finished execution makes exactly these choices besides free ones."""
        return {a for a in trace.choice_sites() if not self.free(a)} == self.values.keys()
