"""The compiled part of automatic guides: standard normals carried to the values of a site, and back.

    u = m + S z,  z ~ N(0, I),      x = T(u),      log q(x) = log N(z; 0, I) - log |det S| - log |det dT/du|

T is NumPyro's bijection between the real numbers and the support of the distribution of the site, which may depend on
its parameters (the leaves of its family).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular
from numpy.typing import NDArray

from steersman.ppl.density.families import NotContinuous, Reals, canonical, from_reals, leaf_forms, reals, to_reals
from steersman.ppl.dist.compiled import form
from steersman.ppl.dist.membership import interior, membership
from steersman.ppl.dist.padding import pad, padded_size
from steersman.ppl.dist.record import Record
from steersman.ppl.dist.structure import Family, build
from steersman.ppl.dist.values import as_array
from steersman.ppl.keys import Keys
from steersman.ppl.protocols import Floats

Verb = Literal["draw", "log_prob", "reals"]
_SMALL = 16  # numbers; an argument of no more is not worth sharing between rows


def continuous(dist: Any) -> tuple[Family, Reals] | None:
    """The family of a distribution, and how its values are written as real numbers; None if they cannot be."""
    if not isinstance(dist, Record):
        return None
    family = canonical(dist.flat()[0])
    found = _reals(family)
    return None if found is None else (family, found)


@lru_cache(maxsize=1024)
def _reals(family: Family) -> Reals | None:
    try:
        return reals(family)
    except NotContinuous:
        return None


def draw(family: Family, dists: Sequence[Record[Any]], keys: Keys, loc: Floats, scale: Floats) -> tuple[Any, Floats]:
    """A value and log q [n] for each site. loc [n, d]: m. scale [n, d], the diagonal of S, or S [n, d, d]."""
    n = len(dists)
    columns, axes = _columns(family, dists)
    x = _program("draw", family, axes)(Keys(_padded(keys.bits)).jax(), _padded(loc), _padded(scale), *columns)
    log_q = _program("log_prob", family, axes)(x, _padded(loc), _padded(scale), *columns)
    host = np.asarray(x)[:n]
    return host.tolist() if host.ndim == 1 else list(host), np.asarray(log_q)[:n].astype(np.float64)


def log_prob(
    family: Family, dists: Sequence[Record[Any]], values: Sequence[Any], loc: Floats, scale: Floats
) -> Floats:
    """log q [n] of the values; -inf outside the support."""
    columns, axes = _columns(family, dists)
    x = _padded(as_array(dists, values, form(family), False))
    log_q = _program("log_prob", family, axes)(x, _padded(loc), _padded(scale), *columns)
    return np.asarray(log_q)[: len(dists)].astype(np.float64)


def real_numbers(dists: Sequence[Record[Any]], values: Sequence[Any]) -> list[Floats]:
    """u = T^-1(x) of each value, as a vector."""
    out: list[Any] = [None] * len(dists)
    groups: dict[Family, list[int]] = {}
    for i, dist in enumerate(dists):
        groups.setdefault(canonical(dist.flat()[0]), []).append(i)
    for family, rows in groups.items():
        those = [dists[i] for i in rows]
        x = as_array(those, [values[i] for i in rows], form(family), False)
        if _is_identity(family):
            u = x
        else:
            columns, axes = _columns(family, those)
            u = np.asarray(_program("reals", family, axes)(_padded(x), *columns)).astype(np.float64)
        for i, row in zip(rows, u, strict=False):
            out[i] = np.ravel(row)
    return out


@lru_cache(maxsize=256)
def _program(verb: Verb, family: Family, axes: tuple[int | None, ...]) -> Callable[..., jax.Array]:
    shape = reals(family).real_shape

    def draw(key: jax.Array, loc: Any, scale: Any, *leaves: Any) -> jax.Array:
        z = jax.random.normal(key, loc.shape)
        u = loc + (scale * z if scale.ndim == 1 else scale @ z)
        x, _ = from_reals(family, u.reshape(shape), *leaves)
        return interior(build(family, iter(leaves)), x)

    def log_prob(x: Any, loc: Any, scale: Any, *leaves: Any) -> jax.Array:
        u = to_reals(family, x, *leaves)
        _, log_det = from_reals(family, u, *leaves)
        r = u.ravel() - loc
        z, diagonal = (r / scale, scale) if scale.ndim == 1 else (
            solve_triangular(scale, r, lower=True), jnp.diagonal(scale)
        )
        inside = jnp.all(membership(build(family, iter(leaves)), x))
        return jnp.where(inside, standard_normal(z) - jnp.sum(jnp.log(diagonal)) - log_det, -jnp.inf)

    if verb == "draw":
        return jax.jit(jax.vmap(draw, in_axes=(0, 0, 0, *axes)))
    if verb == "log_prob":
        return jax.jit(jax.vmap(log_prob, in_axes=(0, 0, 0, *axes)))
    return jax.jit(jax.vmap(lambda x, *leaves: to_reals(family, x, *leaves), in_axes=(0, *axes)))


def standard_normal(z: Any) -> Any:
    """log N(z; 0, I)."""
    return -0.5 * jnp.sum(z * z) - 0.5 * math.log(2.0 * math.pi) * z.size


@lru_cache(maxsize=1024)
def _is_identity(family: Family) -> bool:
    """Whether the values are real numbers already."""
    templates = [jax.ShapeDtypeStruct(s, d) for s, d in leaf_forms(family)]  # type: ignore[no-untyped-call]
    x = jax.ShapeDtypeStruct(form(family).shape, jnp.result_type(float))  # type: ignore[no-untyped-call]
    jaxpr = jax.make_jaxpr(lambda x, *leaves: to_reals(family, x, *leaves))(x, *templates).jaxpr
    return jaxpr.outvars[0] is jaxpr.invars[0]


def _columns(family: Family, dists: Sequence[Record[Any]]) -> tuple[list[Any], tuple[int | None, ...]]:
    """Each leaf as one array with a row for each distribution (axis 0), padded, or shared by all of them (None)."""
    columns: list[Any] = []
    axes: list[int | None] = []
    leaves = zip(*[d.flat()[1] for d in dists], strict=True)
    for (shape, dtype), given in zip(leaf_forms(family), leaves, strict=True):
        if math.prod(shape) > _SMALL and all(leaf is given[0] for leaf in given):
            columns.append(given[0])
            axes.append(None)
        else:
            columns.append(_padded(np.stack([np.asarray(leaf, dtype) for leaf in given])))
            axes.append(0)
    return columns, tuple(axes)


def _padded(column: NDArray[Any]) -> NDArray[Any]:
    return pad(column, padded_size(len(column)))
