"""`log_density`: the density of an execution as a function of some of its sites."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
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
from .depends import same
from .evaluate import log_density as evaluate
from .evaluate import to_reals
from .graph import Graph
from .layout import Filled, Layout, lay_out
from .run import Run, asked, run_traced

Power = Callable[[str, Hashable], float]
_BLAMED = re.compile(r"values\[(\d+)\]")


@dataclass(frozen=True)
class Given:
    """sites: the names of the sites whose values enter as arguments, so that executions which differ there share a
    density. calls: the names of the calls that depend on a chosen site."""

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

    def arguments(self, sites: Mapping[Address, Site]) -> tuple[Any, ...]:
        """What fills the layout, from the sites of an execution that fits. Arrays that are the same for all of them
        are the same objects."""
        values = [sites[a].value for a in self._lifted]
        return tuple([a.filled(values) for a in self._arguments])

    def weights(self, power: Power | None = None) -> tuple[NDArray[np.floating[Any]], ...]:
        """w_i for each group of terms: what the program raises it to, times ``power(kind, name)``."""
        groups = [g for g in self.layout.groups if g.role == "term"]
        out = []
        for group, terms in zip(groups, self._terms, strict=True):
            row = np.zeros(group.size, jnp.result_type(float))
            row[: len(terms)] = [t.power * (1.0 if power is None else power(t.kind, t.address[-2])) for t in terms]
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
            _form(value) == _form(sites[a].value) if a in self._lifted else same(value, sites[a].value)
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
                f"{p.where()} changes with {_names(self.addresses)}, but not in a way that JAX can follow (through a "
                f"text, perhaps): {_advice(self.addresses)}"
            )

    def __call__(self, values: Mapping[Any, Any] | None = None) -> float:
        """The log joint density (nats) with these values (address -> value) at the chosen sites; as recorded for
        None."""
        sites = dict(self.trace.outer_sites())
        for where, value in (values or {}).items():
            address = parse_address(where)
            if address not in self.addresses:
                raise UnknownAddress(f"{format_address(address)!r} is not a site of this density: it is one of "
                                     f"{_names(self.addresses)}")
            sites[address] = Site(address[-2], 0, "sample", value)
        arguments = self.arguments(sites)
        u = _to_reals(self.layout)(self.vector(sites), arguments)
        _, log_p, _ = _evaluate(self.layout)(u, arguments, self.weights())
        return float(log_p) + math.fsum(s.log_p for a, s in sites.items() if a not in self.dependent)


def log_density(
    trace: Trace, chosen: Collection[Any], *, particle: Callable[[], Particle] | None = None, given: Given | None = None
) -> LogDensity:
    """The log density of an execution as a function of the chosen sites (addresses), the others as recorded.

    particle: makes one at the beginning of the program, if that has `param` values. given: what enters as an argument,
    where that is known from another execution of the program; otherwise it is found by trying. Raises UnknownAddress
    for a site that the execution does not have, NotContinuous for one that no gradient moves, and TracedControlFlow
    where the program needs the number itself; all name the site.
    """
    sites = dict(trace.outer_sites())
    wanted = {parse_address(a) for a in chosen}
    ordered = [a for a, s in sites.items() if a in wanted and s.kind == "sample"]
    if missing := wanted - set(ordered):
        raise UnknownAddress(f"the execution has no choice {_names(sorted(missing, key=str))}")
    model = Particle.of_trace(trace).model
    tracing = _Tracing(trace, sites, ordered, particle or (lambda: Particle(model)))
    return tracing.density(given) if given is not None else tracing.search()


class _Tracing:
    """Makes the density of one execution."""

    def __init__(
        self, trace: Trace, sites: dict[Address, Site], chosen: list[Address], particle: Callable[[], Particle]
    ) -> None:
        self.trace, self.sites, self.chosen, self.particle = trace, sites, chosen, particle

    def search(self) -> LogDensity:
        """Let as many sites as possible enter as arguments: all names at once, or else one after the other."""
        plain = self.density(Given())
        calls = frozenset(a[-2] for a in plain.dependent if self.sites[a].kind == "call")
        known = Given(frozenset(), calls)
        names = {
            a[-2] for a, s in self.sites.items()
            if _is_data(s) and a not in self.chosen and not (s.kind == "call" and a in plain.dependent)
        }
        best = self._attempt(plain, Given(frozenset(names), calls))
        if best is not None or not names:
            return best or plain
        best = plain
        for name in sorted(names, key=str):
            found = self._attempt(plain, Given(known.sites | {name}, calls))
            if found is not None:
                best, known = found, found.given
        return best

    def _attempt(self, plain: LogDensity, given: Given) -> LogDensity | None:
        """The density with these arguments; None if the program needs one of them as a number."""
        try:
            found = self.density(given)
        except Exception:  # whatever a program does with a tracer in place of a number
            return None
        return found if found.agrees(plain) else None

    def density(self, given: Given) -> LogDensity:
        lifted = [
            a for a, s in self.sites.items()
            if a[-2] in given.sites and _is_data(s) and a not in self.chosen
            and not (s.kind == "call" and given.calls is not None and a[-2] in given.calls)
        ]
        runs: list[Run] = []

        def traced(values: list[Any], others: list[Any]) -> list[Any]:
            chosen, inputs = (dict(zip(a, v, strict=True)) for a, v in ((self.chosen, values), (lifted, others)))
            run = run_traced(self.particle(), self.sites, chosen, inputs, again=given.calls)
            runs.append(run)
            return run.results()

        values = [_number(self.sites[a].value) for a in self.chosen]
        others = [_as_it_is(self.sites[a].value) for a in lifted]
        try:
            closed = jax.make_jaxpr(traced)(values, others)
        except TracedControlFlow as error:
            raise _located(error, self.chosen) from error
        except TypeError as error:
            if "Tracer" not in str(error):
                raise
            raise _located(TracedControlFlow(f"{self.particle().model!r}: {error}"), self.chosen) from error
        filled = lay_out(Graph(runs[0], closed.jaxpr, closed.consts), runs[0].terms)
        return LogDensity(self.trace, runs[0], filled, given, lifted)


def _form(value: Any) -> tuple[str, tuple[int, ...]]:
    array = np.asarray(value)
    return array.dtype.kind, array.shape


def _is_data(site: Site) -> bool:
    """Whether what the program was told is numbers."""
    value = site.value
    return site.kind in ("sample", "call") and (
        isinstance(value, (bool, int, float, np.generic))
        or (hasattr(value, "dtype") and hasattr(value, "shape") and np.asarray(value).dtype.kind in "biuf")
    )


def _number(value: Any) -> Any:
    return jax.ShapeDtypeStruct(np.shape(value), jnp.result_type(float))  # type: ignore[no-untyped-call]


def _as_it_is(value: Any) -> Any:
    kind, shape = _form(value)
    dtype = {"b": bool, "i": int, "u": int, "f": float}[kind]
    return jax.ShapeDtypeStruct(shape, jnp.result_type(dtype))  # type: ignore[no-untyped-call]


def _located(error: TracedControlFlow, addresses: Sequence[Address]) -> TracedControlFlow:
    """The same error with the sites whose value it is about, as far as JAX can tell, and with what to do."""
    told = {int(i) for i in _BLAMED.findall(str(error.__cause__))}
    blamed = [a for i, a in enumerate(addresses) if i in told] or list(addresses)
    return TracedControlFlow(f"{error}. It depends on {_names(blamed)}: {_advice(blamed)}")


def _advice(addresses: Sequence[Address]) -> str:
    first = format_address(addresses[0])
    return f"move that without a gradient, by Gibbs({{{first!r}: site(), ...}}) or MH"


def _names(addresses: Sequence[Address]) -> str:
    shown = [repr(format_address(a)) for a in addresses[:6]]
    return ", ".join(shown) + (", ..." if len(addresses) > 6 else "")


def _recorded(trace: Trace) -> dict[Address, Site]:
    """What the program was told: its choices and the results of its calls."""
    return {a: s for a, s in trace.outer_sites() if s.kind in ("sample", "call")}


@lru_cache(maxsize=64)
def _evaluate(layout: Layout) -> Any:
    return jax.jit(lambda u, arguments, weights: evaluate(layout, u, arguments, weights))


@lru_cache(maxsize=64)
def _to_reals(layout: Layout) -> Any:
    return jax.jit(lambda x, arguments: to_reals(layout, x, arguments))
