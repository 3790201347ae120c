"""`log_density`: a program traced, and laid out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..address import Address, parse_address
from ..blame import line_of_error
from ..errors import TracedControlFlow, UnknownAddress
from ..particle import Particle
from ..trace import Site, Trace
from .density import Given, LogDensity
from .depends import form
from .graph import Graph
from .layout import lay_out
from .messages import located, names_of
from .run import Run, run_traced


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
        raise UnknownAddress(f"the execution has no choice {names_of(sorted(missing, key=str))}")
    model = Particle.of_trace(trace).model
    tracing = Tracing(trace, sites, ordered, particle or (lambda: Particle(model)))
    return tracing.density(given) if given is not None else tracing.search()


class Tracing:
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

    def run(self, chosen: dict[Address, Any], inputs: dict[Address, Any], again: frozenset[Hashable] | None) -> Run:
        """The program run on tracers for the chosen sites, and for others."""
        return run_traced(self.particle(), self.sites, chosen, inputs, again=again)

    def density(self, given: Given) -> LogDensity:
        lifted = [
            a for a, s in self.sites.items()
            if a[-2] in given.sites and _is_data(s) and a not in self.chosen
            and not (s.kind == "call" and given.calls is not None and a[-2] in given.calls)
        ]
        runs: list[Run] = []

        def traced(values: list[Any], others: list[Any]) -> list[Any]:
            chosen, inputs = (dict(zip(a, v, strict=True)) for a, v in ((self.chosen, values), (lifted, others)))
            run = self.run(chosen, inputs, given.calls)
            runs.append(run)
            return run.results()

        values = [_number(self.sites[a].value) for a in self.chosen]
        others = [_as_it_is(self.sites[a].value) for a in lifted]
        try:
            closed = jax.make_jaxpr(traced)(values, others)
        except TracedControlFlow as error:
            raise located(error, self.chosen) from error
        except TypeError as error:
            if "Tracer" not in str(error):
                raise
            where = f"{self.particle().model!r}{line_of_error(error)}"
            raise located(TracedControlFlow(f"{where}: {error}"), self.chosen) from error
        filled = lay_out(Graph(runs[0], closed.jaxpr, closed.consts), runs[0].terms)
        return LogDensity(self.trace, runs[0], filled, given, lifted)


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
    kind, shape = form(value)
    dtype = {"b": bool, "i": int, "u": int, "f": float}[kind]
    return jax.ShapeDtypeStruct(shape, jnp.result_type(dtype))  # type: ignore[no-untyped-call]
