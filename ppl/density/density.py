"""`LogDensity`: the log density of an execution as a function of some of its sites."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ..address import Address, format_address, parse_address
from ..errors import TracedControlFlow, UnknownAddress
from ..particle import Particle
from ..trace import Site, Trace
from .depends import form, same
from .evaluate import log_density, to_reals
from .layout import Filled, Layout
from .messages import advice, names_of
from .operations import Bijection
from .run import Run, asked

Power = Callable[[str, Hashable], float]


@dataclass(frozen=True)
class Given:
    """sites: the names of the sites whose values enter as arguments, so that executions which differ there share a
    density. calls: the names of the calls that depend on a chosen site; None where that is not known."""

    sites: frozenset[Hashable] = frozenset()
    calls: frozenset[Hashable] | None = None


class LogDensity:
    """sum_i w_i log p_i over the densities and factors of an execution that depend on the chosen sites, as a function
    of their values; all other sites are as in the trace.

    addresses, shapes: of the chosen sites, in the order of the vector x [E] of their values. layout: what is compiled.
    dependent: the addresses of everything that depends on the chosen sites, themselves included. given: what enters as
    an argument.
    """

    def __init__(self, trace: Trace, run: Run, filled: Filled, given: Given, lifted: list[Address]) -> None:
        self.trace, self.layout, self.given = trace, filled.layout, given
        self.addresses = [run.chosen[i].address for i in filled.sites]
        self._terms = [[run.terms[i] for i in numbers] for numbers in filled.terms]
        self.dependent = run.called | {t.address for row in self._terms for t in row}
        self._arguments, self._constant = filled.arguments, run.constant
        self._lifted = dict.fromkeys(lifted)
        self._chosen = set(self.addresses)
        sites = dict(trace.outer_sites())
        self.shapes = [np.shape(sites[a].value) for a in self.addresses]
        self._order = list(sites)
        moving = run.called.union(self.addresses)
        self._told = {a: s.value for a, s in sites.items() if s.kind in ("sample", "call") and a not in moving}

    @property
    def real_shapes(self) -> list[tuple[int, ...]]:
        """The shapes of the chosen sites as real numbers, in the order of u."""
        operations = [g.operation for g in self.layout.groups for _ in range(g.size)]
        return [o.reals.real_shape for o in operations if isinstance(o, Bijection)]

    def arguments(self, sites: Mapping[Address, Site]) -> tuple[Any, ...]:
        """What fills the layout, from the sites of an execution that fits. Arrays that are the same for all of them
        are the same objects."""
        values = [sites[a].value for a in self._lifted]
        return tuple([a.filled(values) for a in self._arguments])

    def share(self, other: LogDensity) -> None:
        """Take over arrays that are equal in a density of the same layout, so that they need to be passed only once."""
        if self.layout == other.layout:
            pairs = zip(self._arguments, other._arguments, strict=True)
            self._arguments = [b if same(a.array, b.array) and same(a[1:], b[1:]) else a for a, b in pairs]

    def reals(self, x: Any, arguments: Sequence[Any]) -> Any:
        """The real numbers u [D] of values x [E] (compiled)."""
        return _to_reals(self.layout)(x, arguments)

    def evaluate(self, u: Any, arguments: Sequence[Any], weights: Sequence[Any]) -> tuple[Any, Any, Any]:
        """x [E], sum_i w_i log p_i and log |det dx/du| at u [D] (compiled)."""
        found: tuple[Any, Any, Any] = _evaluate(self.layout)(u, arguments, weights)
        return found

    def weights(self, power: Power | None = None) -> tuple[NDArray[np.floating[Any]], ...]:
        """w_i for each group of terms: what the program raises it to, times ``power(kind, name)``."""
        groups = [g for g in self.layout.groups if g.role == "term"]
        out = []
        for group, terms in zip(groups, self._terms, strict=True):
            row = np.zeros(group.size, jnp.result_type(float))
            row[: len(terms)] = [t.power * (1.0 if power is None else power(t.kind, t.address[-2])) for t in terms]
            out.append(row)
        return tuple(out)

    def weights_of(self, amounts: Mapping[Address, float]) -> tuple[NDArray[np.floating[Any]], ...]:
        """w_i for each group of terms: the amount at the address of the term, 0 where there is none."""
        groups = [g for g in self.layout.groups if g.role == "term"]
        out = []
        for group, terms in zip(groups, self._terms, strict=True):
            row = np.zeros(group.size, jnp.result_type(float))
            row[: len(terms)] = [amounts.get(t.address, 0.0) for t in terms]
            out.append(row)
        return tuple(out)

    def vector(self, sites: Mapping[Address, Site]) -> NDArray[np.floating[Any]]:
        """x [E]: the values of the chosen sites of an execution."""
        return np.concatenate([np.ravel(sites[a].value) for a in self.addresses]).astype(jnp.result_type(float))

    def values(self, x: NDArray[np.floating[Any]]) -> dict[Address, Any]:
        """The values of the chosen sites that a vector x [E] holds: Python floats, or read-only arrays."""
        out: dict[Address, Any] = {}
        at = 0
        for address, shape in zip(self.addresses, self.shapes, strict=True):
            end = at + math.prod(shape)
            if shape:
                out[address] = x[at:end].reshape(shape).copy()
                out[address].flags.writeable = False
            else:
                out[address] = float(x[at])
            at = end
        return out

    def fits(self, trace: Trace, sites: Mapping[Address, Site], chosen: Sequence[Address]) -> bool:
        """Whether this is also the density of another execution: the same sites are chosen, and all that is neither
        chosen nor an argument is the same. sites: its `outer_sites`."""
        if trace is self.trace and self._chosen == set(chosen):
            return True
        if trace.program is not self.trace.program or list(sites) != self._order or self._chosen != set(chosen):
            return False
        return all(
            form(value) == form(sites[a].value) if a in self._lifted else same(value, sites[a].value)
            for a, value in self._told.items()
        )

    def resembles(self, sites: Mapping[Address, Site], chosen: Sequence[Address]) -> bool:
        """Whether what enters as an argument here may do so for another execution: its sites have the same names."""
        names = {a[-2] for a in sites} == {a[-2] for a in self._order}
        return names and {a[-2] for a in chosen} == {a[-2] for a in self._chosen}

    def agrees(self, other: LogDensity) -> bool:
        """Whether two densities of one execution take the same sites for constant, and see the same there."""
        return self.dependent == other.dependent and all(
            same(asked_for, other._constant[a]) for a, asked_for in self._constant.items()
        )

    def check_constant(self, p: Particle, address: Address) -> None:
        """Raise TracedControlFlow if a site that was taken not to depend on the chosen ones asks for something else
        now that they have other values: a prompt that a number was written into, for example."""
        before = self._constant.get(address)
        if before is not None and not same(before, asked(p.pending)):
            raise TracedControlFlow(
                f"{p.where()} changes with {names_of(self.addresses)}, but not in a way that JAX can follow (through a "
                f"text, perhaps): {advice(self.addresses)}"
            )

    def check(self) -> None:
        """Raise TracedControlFlow, as `check_constant`, if the execution that the density was made from asks for
        something that its trace on tracers did not: a prompt that a number was written into."""
        sites = dict(self.trace.outer_sites())
        p = Particle(Particle.of_trace(self.trace).model)
        while p.pending is not None:
            self.check_constant(p, p.address)
            site = sites[p.address]
            p.resume(site.value, sub=site.sub)

    def __call__(self, values: Mapping[Any, Any] | None = None) -> float:
        """The log joint density (nats) with these values (address -> value) at the chosen sites; as recorded for
        None."""
        sites = dict(self.trace.outer_sites())
        for where, value in (values or {}).items():
            address = parse_address(where)
            if address not in self.addresses:
                raise UnknownAddress(f"{format_address(address)!r} is not a site of this density: it is one of "
                                     f"{names_of(self.addresses)}")
            sites[address] = Site(address[-2], 0, "sample", value)
        arguments = self.arguments(sites)
        _, log_p, _ = self.evaluate(self.reals(self.vector(sites), arguments), arguments, self.weights())
        return float(log_p) + math.fsum(s.log_p for a, s in sites.items() if a not in self.dependent)


@lru_cache(maxsize=64)
def _evaluate(layout: Layout) -> Any:
    return jax.jit(lambda u, arguments, weights: log_density(layout, u, arguments, weights))


@lru_cache(maxsize=64)
def _to_reals(layout: Layout) -> Any:
    return jax.jit(lambda x, arguments: to_reals(layout, x, arguments))
