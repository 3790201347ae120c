"""The score of a `ParamSet`: the gradient of log densities at given values, by the parameters of their program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

import jax
import numpy as np

from steersman.ppl.address import Address
from steersman.ppl.density import Densities, Layout, LogDensity
from steersman.ppl.density.evaluate import log_density
from steersman.ppl.density.params import ParamDensity, address_of, name_at
from steersman.ppl.dist.padding import picked
from steersman.ppl.effects import Sample
from steersman.ppl.errors import ReplayDivergence
from steersman.ppl.parameterised import parameterised
from steersman.ppl.particle import Particle
from steersman.ppl.protocols import Floats
from steersman.ppl.trace import Scope, Site, Trace

if TYPE_CHECKING:
    from ..param_set import Arrays, ParamSet, ParamSite, Role

_OF_GUIDE = "guide: "  # begins the names of the calls of a guide that runs in step
_known: WeakKeyDictionary[ParamSet, tuple[ParamDensity, Densities]] = WeakKeyDictionary()


class Row(NamedTuple):
    """An execution: its density, the weights of the terms, and what fills the layout."""

    density: LogDensity
    weights: tuple[Any, ...]
    arguments: tuple[Any, ...]


def score(params: ParamSet, members: Sequence[ParamSite], weights: Floats) -> Arrays:
    """sum_i w_i grad log f_i. Executions of one layout are one compiled call, padded to a power of two."""
    executions: dict[tuple[int, Role], tuple[Trace, dict[Address, float]]] = {}
    for (trace, address, role), weight in zip(members, weights, strict=True):
        _, amounts = executions.setdefault((id(trace), role), (trace, {}))
        amounts[address] = amounts.get(address, 0.0) + float(weight)
    together: dict[Any, list[Row]] = {}
    for (_, role), (trace, amounts) in executions.items():
        made = row(params, trace, role, amounts)
        together.setdefault((made.density.layout, tuple(made.density.addresses)), []).append(made)
    out = {name: np.zeros_like(u) for name, u in params.params.items()}
    for rows in together.values():
        for name, part in _differentiated(params, rows).items():
            out[name] += part
    return out


def row(
    params: ParamSet, trace: Trace, role: Role, amounts: Mapping[Address, float], moving: Sequence[Address] = ()
) -> Row:
    """An execution as a function of the parameters. amounts: address -> weight of the density there. moving: choices
    that move with the parameters (see `Quantile`)."""
    maker, densities = _known.get(params, (None, None))
    if maker is None or densities is None or maker.supports is not params.supports:
        maker = ParamDensity(params.inner, params.supports)
        densities = Densities(maker)
        _known[params] = maker, densities
    told = maker.trace(_sites_of(trace.sites(), role), {name: params.value(name) for name in params.supports})
    sites = dict(told.outer_sites())
    density = densities.of(told, sites, [*map(address_of, params.supports), *moving])
    return Row(density, density.weights_of(amounts), density.arguments(sites))


def made(params: ParamSet, trace: Trace) -> dict[Address, Any]:
    """Address -> distribution of the choices that the program with the parameters, run as a guide, has made in a
    finished execution."""
    sites = dict(Trace(params.inner, _sites_of(trace.sites(), "q"), None).outer_sites())
    p = Particle(parameterised(params.inner, params.answer))
    found = {}
    while (effect := p.pending) is not None:
        if p.address not in sites:
            raise ReplayDivergence(f"{p.where()} is not in the execution that {params.name} is asked about")
        site = sites[p.address]
        if isinstance(effect, Sample):
            found[p.address] = effect.dist
        p.resume(site.value, sub=site.sub)
    return found


def _differentiated(params: ParamSet, rows: Sequence[Row]) -> Arrays:
    """The gradient of the executions of one layout."""
    names = [name_at(a) for a in rows[0].density.addresses]
    u = np.concatenate([params.params[n].ravel() for n in names])
    pick, counts = picked(len(rows))
    weights = [np.stack(c)[pick] * counts[:, None] for c in zip(*[r.weights for r in rows], strict=True)]
    given = [np.stack(c)[pick] for c in zip(*[r.arguments for r in rows], strict=True)]
    found = np.asarray(_gradient(rows[0].density.layout)(u, weights, given))
    ends = np.cumsum([params.params[n].size for n in names])
    return {n: part.reshape(params.params[n].shape) for n, part in zip(names, np.split(found, ends[:-1]), strict=True)}


@lru_cache(maxsize=64)
def _gradient(layout: Layout) -> Any:
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
