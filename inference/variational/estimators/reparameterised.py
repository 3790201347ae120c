"""`path_gradient`: the reparameterised gradient through the continuous choices of an automatic guide."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from steersman.ppl.address import Address
from steersman.ppl.density import LogDensity
from steersman.ppl.effects import Invocation
from steersman.ppl.protocols import Floats
from steersman.ppl.trace import Site, Trace

from ..auto.gaussian import Gaussian
from ..auto.guide import AutoGuide
from .model_density import model_density
from .path import Blocks, Row, path


def path_gradient(
    guide: Gaussian | AutoGuide, traces: Sequence[Trace], a: Floats, b: Floats, *,
    program: Invocation[Any] | None = None, more: Sequence[Mapping[Address, float]] | None = None,
    sticking_the_landing: bool = False,
) -> dict[str, Any]:
    """sum_k [ a_k grad log p(x_k(theta)) + b_k grad log q(x_k(theta); theta) ], by name of the trainable.

    x_k(theta) = T(m + S z_k), z_k what the continuous choices of execution k were made from; all other choices are
    held fixed. For an objective that is the mean of h(log p, log q) over executions drawn from the guide, a = dh/dlog p
    and b = dh/dlog q give its reparameterised gradient, to which choices that are not continuous add their scores.

    traces: finished executions whose choices the guide proposed. p: the density of all that a trace records, or of that
    of `program` (the program without its guide) where the traces are those of a guided one. q: the density of the
    continuous choices that the guide covers; those of one scope are drawn from their marginal, scopes are independent,
    as in `guided`. more: of each execution, address -> coefficient of the log density of that site, added to a_k: a
    choice that the guide leaves to the program is drawn from p itself, so that log p there is part of log q, and moves
    with x_k. With `sticking_the_landing`, log q depends on theta through x_k alone, so that the gradient has no
    variance where q is the posterior (Roeder, Wu & Duvenaud 2017); the other way it is the total derivative.

    Executions of one layout are one compiled call, padded to a power of two. Raises TracedControlFlow where the
    program needs a continuous choice as a number (to branch on, for example): there only the score works. Source:
    Kingma & Welling 2014, section 2.4; Kucukelbir et al. 2017, section 2.5.
    """
    gaussian = guide.continuous if isinstance(guide, AutoGuide) else guide
    together: dict[Any, list[Row]] = {}
    for k, trace in enumerate(traces):
        extra = {} if more is None else more[k]
        if a[k] or b[k] or any(extra.values()):
            row = _row(gaussian, trace, float(a[k]), float(b[k]), program, extra)
            if row is not None:
                together.setdefault(row.density.layout, []).append(row)
    total = {part: np.zeros(array.shape) for part, array in gaussian.flat.items()}
    for layout, rows in together.items():
        gradient = path(layout, type(gaussian), sticking_the_landing)(gaussian.flat, rows)
        for part, array in gradient.items():
            total[part] += np.asarray(array)
    return {gaussian.name: gaussian.tree({part: array.astype(np.float32) for part, array in total.items()})}


def _row(
    guide: Gaussian, trace: Trace, a: float, b: float, program: Invocation[Any] | None, extra: Mapping[Address, float]
) -> Row | None:
    """One execution; None where the guide has nothing to do with it."""
    if program is not None:
        trace = Trace(program, trace.sites(), trace.value)
    sites = dict(trace.outer_sites())
    chosen = [address for address, site in sites.items() if address in guide.proposed and _is_continuous(site)]
    if not chosen:
        return None
    density = model_density(guide, trace, sites, chosen)
    weights: Any = tuple([np.asarray(a * w, np.float32) for w in density.weights()])
    if extra:
        weights = tuple([w + e for w, e in zip(weights, density.weights_of(extra), strict=True)])
    return Row(density, density.vector(sites), _blocks(guide, density), b, weights, density.arguments(sites))


def _blocks(guide: Gaussian, density: LogDensity) -> Blocks:
    """Where the real numbers of an execution are in the guide, scope by scope."""
    start = 0
    scopes: dict[Address, tuple[list[Any], list[Any]]] = {}
    for address, shape in zip(density.addresses, density.real_shapes, strict=True):
        end = start + math.prod(shape)
        at, position = scopes.setdefault(guide.scope(address), ([], []))
        at.append(guide.slots(address, shape))
        position.append(np.arange(start, end, dtype=np.int32))
        start = end
    places = [(np.concatenate(at), np.concatenate(position)) for at, position in scopes.values()]
    blocks = Blocks.empty(len(places), max(len(at) for at, _ in places), start)
    for i, (slots, positions) in enumerate(places):
        n = len(slots)
        blocks.at[i, :n], blocks.position[i, :n], blocks.real[i, :n] = slots, positions, True
    return blocks


def _is_continuous(site: Site) -> bool:
    return site.kind == "sample" and np.asarray(site.value).dtype.kind == "f"
