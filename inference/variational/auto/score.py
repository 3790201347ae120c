"""The score of Gaussian guides: the gradient of log q at given values, for many sites by one compiled call."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from steersman.ppl.dist.padding import padded_size
from steersman.ppl.protocols import Floats

from .real_site import RealSite
from .transport import real_numbers

if TYPE_CHECKING:
    from .gaussian import Gaussian


def score(guide: Gaussian, members: Sequence[RealSite], values: Sequence[Any], weights: Floats) -> Any:
    """sum_i w_i grad log q_i(x_i), like `guide.flat`. Rows and numbers are padded to powers of two."""
    known = [(k.key, k.dist, k.value) for m in members for k in m.given]
    own = [(m.key, m.dist, v) for m, v in zip(members, values, strict=True)]
    numbers = real_numbers([d for _, d, _ in known + own], [v for _, _, v in known + own])
    given = iter(zip(known, numbers, strict=False))
    last = zip(own, numbers[len(known) :], strict=True)
    table = [[*[next(given) for _ in m.given], next(last)] for m in members]
    most = max(sum(len(u) for _, u in row) for row in table)
    n, d = padded_size(len(members)), 1 << max(0, most - 1).bit_length()
    at, u = np.zeros((n, d), np.int32), np.zeros((n, d), np.float32)
    real, scored, w = np.zeros((n, d), bool), np.zeros((n, d), bool), np.zeros(n, np.float32)
    w[: len(members)] = weights
    for i, row in enumerate(table):
        end = 0
        for (key, _, _), x in row:
            start, end = end, end + len(x)
            place = guide.rows_of(key)
            at[i, start:end], u[i, start:end] = np.arange(place.start, place.stop), x
        real[i, :end], scored[i, start:end] = True, True
    return _score(type(guide))(guide.flat, at, u, real, scored, w)


@lru_cache(maxsize=16)
def _score(kind: type[Gaussian]) -> Any:
    """Compiled once for a kind of guide, and once for each power of two in every dimension."""

    def one(flat: Any, at: Any, u: Any, real: Any, scored: Any) -> Any:
        z, log_scale = kind.standardise(flat, at, u, real)
        return jnp.sum(jnp.where(scored, -0.5 * z * z - log_scale, 0.0))

    def total(flat: Any, at: Any, u: Any, real: Any, scored: Any, weights: Any) -> Any:
        return weights @ jax.vmap(one, in_axes=(None, 0, 0, 0, 0))(flat, at, u, real, scored)

    return jax.jit(jax.grad(total))
