"""`param_path_gradient`: the reparameterised gradient through the continuous choices of a guide program."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from steersman.ppl.address import Address
from steersman.ppl.density import Layout
from steersman.ppl.density.evaluate import log_density, to_reals
from steersman.ppl.density.families import canonical
from steersman.ppl.density.params import address_of
from steersman.ppl.density.quantile import has_quantile
from steersman.ppl.dist.padding import picked
from steersman.ppl.effects import Invocation
from steersman.ppl.protocols import Floats
from steersman.ppl.trace import Trace

from ..auto.transport import continuous
from ..param_set import Arrays, ParamSet
from .model_density import model_density
from .param_score import made, row


class Plan(NamedTuple):
    """What is compiled. guide, model: layouts. segments: of the real numbers of the guide, in order: (whether it is a
    parameter, its first number there, how many). pick: where the numbers of the model are among those of the guide."""

    guide: Layout
    model: Layout
    segments: tuple[tuple[bool, int, int], ...]
    pick: tuple[int, ...]


class Row(NamedTuple):
    """An execution. x: its moving choices, in the order of the guide. guide, model: (weights of the terms, arguments)
    of the layouts."""

    x: NDArray[np.floating[Any]]
    guide: tuple[Any, Any]
    model: tuple[Any, Any]


def has_path(dist: Any) -> bool:
    """Whether draws from a distribution of a guide program can move with its parameters; others need their score."""
    found = continuous(dist)
    return found is not None and has_quantile(canonical(dist.flat()[0]))


def param_path_gradient(
    params: ParamSet, traces: Sequence[Trace], a: Floats, b: Floats, *, program: Invocation[Any],
    more: Sequence[Mapping[Address, float]] | None = None,
) -> dict[str, Arrays]:
    """sum_k [ a_k grad log p(x_k(theta)) + b_k grad log q(x_k(theta); theta) ], by name of the trainable, for a guide
    program ``params.program``.

    x_k(theta): the choices of the guide that have a path (`has_path`) at fixed quantiles, those of later choices given
    earlier ones; all others are held fixed. traces: finished executions of the guided program, or of the guide itself.
    program: the one without its guide. more: of each execution, address -> coefficient of the log density of that
    choice under the guide, added to b_k: the score of the choices that have no path.

    Raises TracedControlFlow where guide or program need a number of what moves. Source: see `Quantile`.
    """
    together: dict[Plan, list[Row]] = {}
    for k, trace in enumerate(traces):
        choices = made(params, trace)
        moving = [address for address, d in choices.items() if has_path(d)]
        amounts = dict.fromkeys(choices, float(b[k]))
        for address, extra in ({} if more is None else more[k]).items():
            amounts[address] += extra
        if not moving:
            raise ValueError(f"{params.name}: no choice of the guide can move with its parameters: use their score")
        plan, one = _row(params, trace, program, float(a[k]), amounts, moving)
        together.setdefault(plan, []).append(one)
    total = np.zeros(sum(u.size for u in params.params.values()), np.float32)
    theta = np.concatenate([u.ravel() for u in params.params.values()])
    for plan, rows in together.items():
        pick, counts = picked(len(rows))
        columns = jax.tree.map(lambda *c, pick=pick: np.stack(c)[pick], *rows)
        total += np.asarray(_gradient(plan)(theta, columns, counts))
    ends = np.cumsum([u.size for u in params.params.values()])
    parts = np.split(total, ends[:-1])
    return {params.name: {n: g.reshape(u.shape) for (n, u), g in zip(params.params.items(), parts, strict=True)}}


def _row(
    params: ParamSet, trace: Trace, program: Invocation[Any], a: float, amounts: Mapping[Address, float],
    moving: Sequence[Address],
) -> tuple[Plan, Row]:
    guide, weights, arguments = row(params, trace, "q", amounts, moving)
    bare = Trace(program, trace.sites(), trace.value)
    sites = dict(bare.outer_sites())
    model = model_density(params, bare, sites, moving)
    of_params = {address_of(name): u for name, u in params.params.items()}
    starts, at = {}, 0
    for address, u in of_params.items():
        starts[address], at = at, at + u.size
    segments, x, place, numbers, values = [], [], {}, 0, 0
    for address, shape, real in zip(guide.addresses, guide.shapes, guide.real_shapes, strict=True):
        if address in of_params:
            segments.append((True, starts[address], math.prod(real)))
        else:
            segments.append((False, numbers, math.prod(real)))
            x.append(np.ravel(sites[address].value))
            place[address] = range(values, values + math.prod(shape))
            numbers += math.prod(real)
        values += math.prod(shape)
    plan = Plan(guide.layout, model.layout, tuple(segments), tuple(i for m in model.addresses for i in place[m]))
    scaled = tuple([a * w for w in model.weights()])
    return plan, Row(np.concatenate(x).astype(np.float32), (weights, arguments), (scaled, model.arguments(sites)))


@lru_cache(maxsize=64)
def _gradient(plan: Plan) -> Any:
    """Compiled for each power of two of executions; the last 64 are kept."""

    def one(theta: Any, row: Row) -> Any:
        u = jnp.concatenate([(theta if of_theta else row.x)[i : i + n] for of_theta, i, n in plan.segments])
        weights, given = row.guide
        values, log_q, _ = log_density(plan.guide, u, given, weights)
        weights, given = row.model
        u = to_reals(plan.model, values[jnp.array(plan.pick)], given)
        return log_q + log_density(plan.model, u, given, weights)[1]

    def total(theta: Any, rows: Row, counts: Any) -> Any:
        return counts @ jax.vmap(one, (None, 0))(theta, rows)

    return jax.jit(jax.grad(total))
