"""`ParamSet`: what the `param`s of a program are, and the gradient of its densities by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steersman.ppl import dist
from steersman.ppl.address import Address
from steersman.ppl.dist.record import Record
from steersman.ppl.effects import Param, Sample
from steersman.ppl.errors import ProgramError, ReplayDivergence
from steersman.ppl.parameterised import parameterised
from steersman.ppl.particle import Particle
from steersman.ppl.program import as_invocation
from steersman.ppl.protocols import Floats
from steersman.ppl.trace import Scope, Site, Trace

Arrays = dict[str, NDArray[np.float32]]
Role = Literal["p", "q"]
_OF_GUIDE = "guide: "  # begins the names of the calls of a guide that runs in step


class Marked(Record[Any]):
    """A distribution of a program with parameters: its density may depend on them."""

    __slots__ = ("trainable",)


class ParamSite(NamedTuple):
    """The density of one site of a finished execution. role: whether the program with the parameters is what was run
    ("p"), or a guide that ran in step with it ("q")."""

    trace: Trace
    address: Address
    role: Role


class ParamSet:
    """The parameters of a program, learnt as real numbers.

        @program
        async def guide():
            loc = await param("loc", 0.0)
            scale = await param("scale", 1.0, constraint=dist.constraints.positive)
            await sample(dist.Normal(loc, scale), "x")

        params = ParamSet(guide())
        params.program                      # the guide, with its parameters as they are now
        params.value("scale")

    `program` can be run, and guide other programs, wherever the parameters come from. Its distributions have the set as
    their `trainable`; what `gradient` takes are the `ParamSite`s that `bind` makes of them when the execution has
    ended. A parameter exists from when the program first awaits it, and begins as its `init`. Names are strings, and
    global. Factors that depend on parameters are not differentiated.

    params: {name: float32 array}, unconstrained: NumPyro's bijection to the constraint makes the value of them.
    """

    def __init__(self, program: Any, *, name: str = "params") -> None:
        self.name = name
        self._inner = as_invocation(program)
        self.program = parameterised(self._inner, self._answer, self._mark)
        self._params: Arrays = {}
        self._supports: dict[str, Record[Any]] = {}
        self._values: dict[str, Any] = {}
        self._densities: Any = None

    @property
    def trainables(self) -> list[Any]:
        return [self]

    @property
    def params(self) -> Arrays:
        return self._params

    @params.setter
    def params(self, new: Mapping[str, Any]) -> None:
        self._params = {name: np.asarray(u, np.float32) for name, u in new.items()}
        self._values = {}

    def value(self, name: str) -> Any:
        """The present value of a parameter, within its constraint: a float, or a read-only array."""
        if name not in self._values:
            if name not in self._supports:
                raise KeyError(f"{self.name}: the program has not awaited a parameter {name!r} yet")
            self._values[name] = _constrained(self._supports[name], self._params[name])
        return self._values[name]

    def bind(self, member: Any, trace: Trace, address: Address, role: Role) -> ParamSite:
        """What stands for a distribution of a finished execution in `gradient`."""
        return ParamSite(trace, address, role)

    def gradient(self, members: Sequence[ParamSite], values: Sequence[Any], weights: Floats) -> Arrays:
        """sum_i w_i grad log f_i, like `params`; f_i is the density of the member at the value that its trace has.
        Executions of one layout are one compiled call."""
        executions: dict[tuple[int, Role], tuple[Trace, dict[Address, float]]] = {}
        for (trace, address, role), weight in zip(members, weights, strict=True):
            _, amounts = executions.setdefault((id(trace), role), (trace, {}))
            amounts[address] = amounts.get(address, 0.0) + float(weight)
        together: dict[Any, list[Any]] = {}
        for (_, role), (trace, amounts) in executions.items():
            row = self.row(trace, role, amounts)
            together.setdefault((row[0].layout, tuple(row[0].addresses)), []).append(row)
        out = {name: np.zeros_like(u) for name, u in self._params.items()}
        for rows in together.values():
            for name, part in self._differentiated(rows).items():
                out[name] += part
        return out

    def made(self, trace: Trace) -> dict[Address, Any]:
        """Address -> distribution of the choices that the program with the parameters, run as a guide, has made in a
        finished execution."""
        sites = dict(Trace(self._inner, _sites_of(trace.sites(), "q"), None).outer_sites())
        p = Particle(parameterised(self._inner, self._answer))
        found = {}
        while (effect := p.pending) is not None:
            if p.address not in sites:
                raise ReplayDivergence(f"{p.where()} is not in the execution that {self.name} is asked about")
            site = sites[p.address]
            if isinstance(effect, Sample):
                found[p.address] = effect.dist
            p.resume(site.value, sub=site.sub)
        return found

    def _answer(self, effect: Param[Any]) -> Any:
        name = effect.name
        if not isinstance(name, str):
            raise ProgramError(f"param({name!r}): the names of parameters that are learnt are strings")
        if name not in self._supports:
            self._meet(name, effect)
        return self.value(name)

    def _meet(self, name: str, effect: Param[Any]) -> None:
        init = np.asarray(effect.init)
        if init.dtype.kind not in "biuf":
            raise ProgramError(f"param({name!r}): a parameter that is learnt begins as a number or an array of numbers, "
                               f"got {effect.init!r:.60}")
        constraint = dist.constraints.real if effect.constraint is None else effect.constraint
        support = dist.ImproperUniform(constraint, (), init.shape)
        u = _unconstrained(support, init)
        if not np.isfinite(u).all():
            raise ProgramError(f"param({name!r}): its first value {effect.init!r:.60} is not inside {constraint!r}")
        self._supports = self._supports | {name: support}
        if name not in self._params:  # read from a file, perhaps
            self._params = self._params | {name: u}
        self._densities = None

    def _mark(self, d: Any) -> Any:
        if type(d) is not Record:
            return d
        marked = Marked(d.maker, d.names, d.args)
        marked.trainable = self
        return marked

    def row(self, trace: Trace, role: Role, amounts: Mapping[Address, float], moving: Sequence[Address] = ()) -> Any:
        """The density of an execution by the parameters, the weights of its terms, and what fills its layout. amounts:
        address -> weight of the density there. moving: choices that move with the parameters (see `Quantile`)."""
        from steersman.ppl.density.known import Densities
        from steersman.ppl.density.params import ParamDensity, address_of

        if self._densities is None:
            maker = ParamDensity(self._inner, self._supports)
            self._densities = maker, Densities(maker)
        maker, densities = self._densities
        values = {name: self.value(name) for name in self._supports}
        told = maker.trace(_sites_of(trace.sites(), role), values)
        sites = dict(told.outer_sites())
        density = densities.of(told, sites, [*map(address_of, self._supports), *moving])
        return density, density.weights_of(amounts), density.arguments(sites)

    def _differentiated(self, rows: Sequence[Any]) -> Arrays:
        """The gradient of the executions of one layout."""
        from steersman.ppl.density.params import name_at

        density = rows[0][0]
        names = [name_at(a) for a in density.addresses]
        u = np.concatenate([self._params[n].ravel() for n in names])
        size = max(8, 1 << (len(rows) - 1).bit_length())
        pick = np.concatenate([np.arange(len(rows)), np.zeros(size - len(rows), np.int64)])
        counts = (np.arange(size) < len(rows)).astype(np.float32)
        weights = [np.stack(c)[pick] * counts[:, None] for c in zip(*[w for _, w, _ in rows], strict=True)]
        given = [np.stack(c)[pick] for c in zip(*[a for _, _, a in rows], strict=True)]
        found = np.asarray(_gradient(density.layout)(u, weights, given))
        ends = np.cumsum([self._params[n].size for n in names])
        return {n: part.reshape(self._params[n].shape)
                for n, part in zip(names, np.split(found, ends[:-1]), strict=True)}


@lru_cache(maxsize=64)
def _gradient(layout: Any) -> Any:
    import jax

    from steersman.ppl.density.evaluate import log_density

    def total(u: Any, weights: Any, given: Any) -> Any:
        return jax.vmap(lambda w, g: log_density(layout, u, g, w)[1])(weights, given).sum()

    return jax.jit(jax.grad(total))


def _sites_of(sites: Sequence[Site], role: Role) -> list[Site]:
    """What the program with the parameters has done in an execution."""
    out = []
    for s in sites:
        name = s.name
        if s.kind == "call":
            of_guide = isinstance(name, str) and name.startswith(_OF_GUIDE)
            if of_guide != (role == "q"):
                continue
            name = str(name).removeprefix(_OF_GUIDE) if of_guide else name
        sub = Scope(_sites_of(s.sub.sites(), role)) if s.kind in ("program", "unfold") and s.sub is not None else s.sub
        out.append(Site(name, s.k, s.kind, s.value, s.log_p, s.log_q, s.fixed, sub))
    return out


def _unconstrained(support: Record[Any], value: Any) -> NDArray[np.float32]:
    import jax.numpy as jnp

    d = support.numpyro()
    from numpyro.distributions import biject_to  # type: ignore[import-untyped]

    return np.asarray(biject_to(d.support).inv(jnp.asarray(value, jnp.float32)), np.float32)


def _constrained(support: Record[Any], u: NDArray[np.float32]) -> Any:
    from numpyro.distributions import biject_to

    value = np.asarray(biject_to(support.numpyro().support)(u))
    return float(value) if value.ndim == 0 else value
