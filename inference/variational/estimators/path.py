"""The compiled part of `path_gradient`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient
from numpy.typing import NDArray

from steersman.ppl.density import Layout, LogDensity
from steersman.ppl.density.evaluate import log_density, to_reals
from steersman.ppl.dist.padding import picked

from ..auto.gaussian import Arrays, Gaussian


class Blocks(NamedTuple):
    """The D real numbers of an execution, in independent blocks of at most M. at [G, M]: their places in the parameters
    of the guide. position [G, M]: among the D; D itself where there is none. real [G, M]: whether there is one."""

    at: NDArray[np.int32]
    position: NDArray[np.int32]
    real: NDArray[np.bool_]

    @classmethod
    def empty(cls, blocks: int, most: int, numbers: int) -> Blocks:
        shape = blocks, most
        return cls(np.zeros(shape, np.int32), np.full(shape, numbers, np.int32), np.zeros(shape, bool))


class Row(NamedTuple):
    """An execution. x [E]: its continuous choices. b: the weight of log q. weights: of the terms of log p. arguments:
    what fills the layout."""

    density: LogDensity
    x: NDArray[np.floating[Any]]
    blocks: Blocks
    b: float
    weights: tuple[NDArray[np.floating[Any]], ...]
    arguments: tuple[Any, ...]


class Path:
    """The gradient of  sum_k [ sum_i w_ki log p_i(x_k(theta)) + b_k log q(x_k(theta); theta) ]  for executions of one
    layout. Compiled for each power of two of executions, and again when an argument that all of them shared begins to
    differ."""

    def __init__(self, layout: Layout, kind: type[Gaussian], sticking_the_landing: bool) -> None:
        self.layout, self.kind, self.sticking = layout, kind, sticking_the_landing
        self._varying: set[int] = set()
        self._compiled: dict[frozenset[int], Any] = {}

    def __call__(self, flat: Arrays, rows: Sequence[Row]) -> Any:
        """An array for each part of `flat`."""
        pick, counts = picked(len(rows))
        columns = list(zip(*[r.arguments for r in rows], strict=True))
        self._varying |= {j for j, c in enumerate(columns) if any(x is not c[0] for x in c)}
        given = [np.stack([c[i] for i in pick]) if j in self._varying else c[0] for j, c in enumerate(columns)]
        most = [max(r.blocks.at.shape[axis] for r in rows) for axis in (0, 1)]
        blocks = Blocks(*[np.stack(c)[pick] for c in zip(*[_widened(r, most) for r in rows], strict=True)])
        weights = [np.stack(c)[pick] * counts[:, None] for c in zip(*[r.weights for r in rows], strict=True)]
        b = np.array([r.b for r in rows], np.float32)[pick] * counts
        return self._gradient()(flat, np.stack([r.x for r in rows])[pick], blocks, b, weights, given)

    def _gradient(self) -> Any:
        varying = frozenset(self._varying)
        if varying not in self._compiled:

            def total(flat: Any, x: Any, blocks: Any, b: Any, weights: Any, given: Any) -> Any:
                axes = [0 if j in varying else None for j in range(len(given))]
                return jnp.sum(jax.vmap(self._one, (None, 0, 0, 0, 0, axes))(flat, x, blocks, b, weights, given))

            self._compiled = {varying: jax.jit(jax.grad(total))}
        return self._compiled[varying]

    def _one(self, flat: Any, x: Any, blocks: Blocks, b: Any, weights: Any, given: Any) -> Any:
        """One execution (traced)."""
        at, position, real = blocks
        standardise = jax.vmap(self.kind.standardise, (None, 0, 0, 0))
        drawn = to_reals(self.layout, x, given)
        z, _ = standardise(stop_gradient(flat), at, drawn[position], real)
        placed = jax.vmap(self.kind.place, (None, 0, 0, 0))(flat, at, z, real)
        u = jnp.zeros_like(drawn).at[position].set(placed, mode="drop")
        _, log_p, log_det = log_density(self.layout, u, given, weights)
        z, log_scale = standardise(stop_gradient(flat) if self.sticking else flat, at, u[position], real)
        log_q = jnp.sum(jnp.where(real, -0.5 * z * z - log_scale, 0.0)) - log_det
        return log_p + b * log_q


def _widened(row: Row, most: Sequence[int]) -> Blocks:
    """The blocks, with empty ones up to the largest shape."""
    blocks = row.blocks
    if list(blocks.at.shape) == list(most):
        return blocks
    wide = Blocks.empty(most[0], most[1], int(blocks.position[blocks.real].max()) + 1)
    g, m = blocks.at.shape
    for new, old in zip(wide, blocks, strict=True):
        new[:g, :m] = old
    return wide


@lru_cache(maxsize=64)
def path(layout: Layout, kind: type[Gaussian], sticking_the_landing: bool) -> Path:
    """The gradient for a layout; the last 64 are kept. What is evicted is compiled again when next needed."""
    return Path(layout, kind, sticking_the_landing)
