"""An objective on arrays of log densities, compiled: its value, its partial derivatives, its baselines."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from .objective import Objective, Plan, plan, value

Array = NDArray[np.float64]


class Evaluated(NamedTuple):
    """values [N]: the objective in each replicate. partials: its derivatives by the densities, [N, *shape] each.
    baselines: for each expectation, what the objective would be without that draw, [N, *shape]."""

    values: Array
    partials: list[Array]
    baselines: list[Array]


class Evaluation:
    """An objective, read and compiled once for each number of replicates.

    The baseline of a draw is a number that does not depend on it: the objective with its log densities replaced by the
    mean of those of its siblings, where an expectation has several draws (Mnih & Rezende 2016, "Variational inference
    for Monte Carlo objectives", section 2.3); the mean of the other replicates, where it has one.
    """

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.plan: Plan = plan(objective)
        self._compiled = jax.jit(self._evaluate)

    def __call__(self, densities: Sequence[Array]) -> Evaluated:
        """densities: log densities in the order of the plan, [N, *shape] each."""
        values, partials, baselines = self._compiled([np.asarray(d, np.float32) for d in densities])
        return Evaluated(_array(values), [_array(p) for p in partials], [_array(b) for b in baselines])

    def values(self, densities: Sequence[Array]) -> Array:
        """The objective alone, [N]."""
        return _array(self._value([np.asarray(d, np.float32) for d in densities]))

    @partial(jax.jit, static_argnums=0)
    def _value(self, densities: list[Any]) -> Any:
        return jax.vmap(partial(value, self.objective))(densities)

    def _evaluate(self, densities: list[Any]) -> tuple[Any, list[Any], list[Any]]:
        values, partials = jax.vmap(jax.value_and_grad(partial(value, self.objective)))(densities)
        return values, partials, [self._baseline(e, values, densities) for e in range(len(self.plan.draws))]

    def _baseline(self, number: int, values: Any, densities: list[Any]) -> Any:
        shape, n = self.plan.draws[number].shape, values.shape[0]
        if not shape or shape[-1] == 1:
            others = (values.sum() - values) / (n - 1) if n > 1 else jnp.zeros_like(values)
            return jnp.broadcast_to(others.reshape(n, *[1] * len(shape)), (n, *shape))
        depends = {number} | {e for e, d in enumerate(self.plan.draws) if self._descends(e, number)}
        rank = len(shape)

        def without(at: Any, one: list[Any]) -> Any:
            """The objective of one replicate, the draw at this index replaced."""
            pairs = zip(one, self.plan.densities, strict=True)
            return value(self.objective, [_replaced(a, at, rank) if e in depends else a for a, (_, e) in pairs])

        index = jnp.stack(jnp.meshgrid(*[jnp.arange(s) for s in shape], indexing="ij"), -1).reshape(-1, rank)
        found = jax.vmap(lambda one: jax.vmap(lambda at: without(at, one))(index))(densities)
        return found.reshape(n, *shape)

    def _descends(self, number: int, ancestor: int) -> bool:
        given = self.plan.draws[number].given
        return given is not None and (given == ancestor or self._descends(given, ancestor))


def _replaced(a: Any, at: Any, rank: int) -> Any:
    """The entries of one draw replaced by the mean over its siblings on the last axis of the draw."""
    axis = rank - 1
    siblings = a
    for k in range(axis):  # the draw's own group
        siblings = jnp.take(siblings, at[k], axis=0)
    size = siblings.shape[0]
    keep = jnp.arange(size) != at[axis]
    others = jnp.where(keep.reshape(-1, *[1] * (siblings.ndim - 1)), siblings, 0.0).sum(0) / (size - 1)
    return a.at[tuple(at[k] for k in range(rank))].set(others)


def _array(x: Any) -> Array:
    return np.asarray(x, np.float64)
