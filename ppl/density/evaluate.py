"""A layout as a JAX function."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import jax.numpy as jnp

from .layout import Fetch, Group, Layout
from .operations import Bijection, Form

Arguments = Sequence[Any]


def log_density(layout: Layout, u: Any, arguments: Arguments, weights: Arguments) -> tuple[Any, Any, Any]:
    """From real numbers u [D]: the values x [E] of the chosen sites, sum_i w_i log p_i (nats), and log |det dx/du|.

    arguments: of the layout, in order. weights: one array for each group of terms.
    """
    return _Evaluation(layout, arguments).forwards(u, weights)


def to_reals(layout: Layout, x: Any, arguments: Arguments) -> Any:
    """The real numbers u [D] of values x [E]."""
    return _Evaluation(layout, arguments).backwards(x)


def sizes(layout: Layout) -> tuple[int, int]:
    """(D, E): how many real numbers, and how many values, the chosen sites have."""
    reals = [(g.size, g.operation.reals) for g in layout.groups if isinstance(g.operation, Bijection)]
    return sum(n * prod(r.real_shape) for n, r in reals), sum(n * prod(r.shape) for n, r in reals)


class _Evaluation:
    """One pass over the groups."""

    def __init__(self, layout: Layout, arguments: Arguments) -> None:
        self.layout = layout
        self._arguments = iter(arguments)
        self._results: list[list[Any]] = []
        self._pools: dict[Form, list[Any]] = {}

    def forwards(self, u: Any, weights: Arguments) -> tuple[Any, Any, Any]:
        total, log_det, at, values = jnp.zeros(()), jnp.zeros(()), 0, []
        of_terms = iter(weights)
        for group in self.layout.groups:
            operands, axes = self._fetch(group)
            operation = group.operation
            if isinstance(operation, Bijection):
                end = at + group.size * prod(operation.reals.real_shape)
                x, ld = operation.forwards(u[at:end].reshape(group.size, *operation.reals.real_shape), operands, axes)
                self._keep([x])
                values.append(x.ravel())
                log_det, at = log_det + ld.sum(), end
            elif group.role == "term":
                (log_p,) = operation.rows(group.size, operands, axes)
                # what is impossible stays so at weight 0; a row of padding repeats one that is counted
                total += jnp.sum(jnp.where(log_p == -jnp.inf, -jnp.inf, next(of_terms) * log_p))
            else:
                self._keep(operation.rows(group.size, operands, axes))
        return jnp.concatenate(values), total, log_det

    def backwards(self, x: Any) -> Any:
        at, numbers = 0, []
        for group in self.layout.groups:
            if group.role == "term":
                break  # they come last
            operands, axes = self._fetch(group)
            operation = group.operation
            if isinstance(operation, Bijection):
                end = at + group.size * prod(operation.reals.shape)
                rows = x[at:end].reshape(group.size, *operation.reals.shape)
                self._keep([rows])
                numbers.append(operation.backwards(rows, operands, axes).ravel())
                at = end
            else:
                self._keep(operation.rows(group.size, operands, axes))
        return jnp.concatenate(numbers)

    def _keep(self, results: list[Any]) -> None:
        self._results.append(results)
        for r in results:
            self._pools.setdefault((r.shape[1:], r.dtype), []).append(r)

    def _fetch(self, group: Group) -> tuple[list[Any], list[int | None]]:
        operands, axes = [], []
        for fetch in group.fetches:
            operands.append(self._get(fetch, self._arguments))
            axes.append(None if fetch.how in ("shared", "same") else 0)
        return operands, axes

    def _get(self, fetch: Fetch, arguments: Iterator[Any]) -> Any:
        if fetch.how == "rows":
            group, number = fetch.source
            return self._results[group][number]
        first = next(arguments)
        if fetch.how in ("column", "shared"):
            return first
        pool = self._pool(fetch.form)
        if fetch.how == "mixed":
            pool = jnp.concatenate([pool, next(arguments)])
        return pool[first]

    def _pool(self, form: Form) -> Any:
        """All results of a form so far, [n, ...]."""
        parts = self._pools[form]
        if len(parts) > 1:
            parts[:] = [jnp.concatenate(parts)]
        return parts[0]
