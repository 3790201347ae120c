"""`ParamDensity`: the log density of an execution as a function of the `param`s of its program.

A parameter is traced like a choice that has no density of its own: its real numbers are those of its constraint.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import replace
from typing import Any

from ..address import Address
from ..dist.record import Record
from ..effects import Invocation, Param
from ..errors import TracedControlFlow, UnknownAddress
from ..parameterised import parameterised
from ..particle import Particle
from ..trace import Site, Trace
from .density import Given, LogDensity
from .families import canonical
from .run import Chosen, Run, run_traced
from .tracing import Tracing

_MARK = "param"


def address_of(name: str) -> Address:
    """Where a parameter is in the density."""
    return ((_MARK, name), 0)


def name_at(address: Address) -> str:
    return address[0][1]  # type: ignore[index, no-any-return]


class ParamDensity:
    """Makes densities as functions of parameters: ``Densities(ParamDensity(program, supports))``.

    program: what awaits the parameters. supports: name -> a distribution on what the parameter may be, of which only
    the support matters.
    """

    def __init__(self, program: Invocation[Any], supports: Mapping[str, Record[Any]]) -> None:
        self.program, self.supports = program, supports

    def trace(self, sites: list[Site], values: Mapping[str, Any], value: Any = None) -> Trace:
        """An execution with these sites, beside the values of the parameters."""
        params = [Site((_MARK, name), 0, "sample", values[name]) for name in self.supports]
        return Trace(self.program, params + sites, value)

    def __call__(
        self, trace: Trace, chosen: Collection[Any], *, particle: Callable[[], Particle] | None = None,
        given: Given | None = None,
    ) -> LogDensity:
        """As `log_density`. chosen: the addresses of all parameters, and then those of choices that move with the
        parameters (see `Quantile`). Raises TracedControlFlow where the program needs one of these as a number."""
        tracing = _ParamTracing(self, trace, list(chosen))
        try:
            return tracing.density(given) if given is not None else tracing.search()
        except TracedControlFlow as error:
            raise TracedControlFlow(
                f"{error.args[0].split('. It depends on')[0]}. It depends on a parameter: no gradient moves that; let "
                "the parameter enter a distribution only"
            ) from error


class _ParamTracing(Tracing):
    def __init__(self, density: ParamDensity, trace: Trace, chosen: list[Address]) -> None:
        super().__init__(trace, dict(trace.outer_sites()), chosen, lambda: Particle(density.program))
        self._density = density

    def run(self, chosen: dict[Address, Any], inputs: dict[Address, Any], again: frozenset[Hashable] | None) -> Run:
        def answer(effect: Param[Any]) -> Any:
            address = address_of(str(effect.name))
            if address not in chosen:
                raise UnknownAddress(f"the program has a parameter {effect.name!r} that the execution did not have")
            return chosen[address]

        particle = Particle(parameterised(self._density.program, answer))
        names = {address_of(name): support for name, support in self._density.supports.items()}
        moving = {a: x for a, x in chosen.items() if a not in names}
        run = run_traced(particle, self.sites, moving, inputs, again=again)
        params = [Chosen(a, canonical(d.flat()[0]), d.flat()[1]) for a, d in names.items()]
        run.chosen = params + [replace(c, quantile=True) for c in run.chosen]
        return run
