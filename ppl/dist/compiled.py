"""Compiled evaluations of a family, in two bounded caches.

`form` remembers the last 1024 families' shapes, `program` the last 256 compiled functions. Each compiled function
holds one executable for each group size it met, and sizes are powers of two from 8 up, so at most about 20. What is
evicted is compiled again when next needed; nothing else depends on the caches.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from .membership import interior, membership
from .structure import Family, build, leaf_tokens
from .validity import validity

Axes = tuple[int | None, ...]


class Form(NamedTuple):
    """shape: of one value, batch and event dimensions together. discrete: values are integers."""

    shape: tuple[int, ...]
    discrete: bool


@lru_cache(maxsize=1024)
def form(family: Family) -> Form:
    """The form of a family's values, found without computing. NumPyro's errors about arguments pass through."""
    found: list[Form] = []

    def look(leaves: list[Any]) -> Any:
        d = build(family, iter(leaves))
        try:
            discrete = bool(d.is_discrete)
        except (NotImplementedError, AssertionError):
            discrete = False
        found.append(Form((*d.batch_shape, *d.event_shape), discrete))
        return ()

    jax.eval_shape(look, [_template(t) for t in leaf_tokens(family)])
    return found[0]


def _template(token: Any) -> jax.ShapeDtypeStruct:
    if token in ("f", "i"):
        shape, dtype = (), jnp.result_type(float if token == "f" else int)
    else:
        shape, dtype = token[1], jax.dtypes.canonicalize_dtype(token[2])
    return jax.ShapeDtypeStruct(shape, dtype)  # type: ignore[no-untyped-call]


@lru_cache(maxsize=256)
def program(verb: Literal["sample", "log_prob"], family: Family, axes: Axes) -> Callable[..., jax.Array]:
    """The verb over a group: the first argument (keys, or values) has a leading axis [n], and so has each leaf whose
    axis is 0; a leaf whose axis is None is shared by the group. log_prob gives [n] nats, NaN where the parameters are
    outside their domain."""

    def sample(key: jax.Array, *leaves: Any) -> jax.Array:
        d = build(family, iter(leaves))
        drawn = jnp.asarray(d.sample(key))
        if drawn.shape != d.shape():
            raise NotImplementedError(f"its sampler gives shape {drawn.shape}, its density takes shape {d.shape()}")
        return interior(d, drawn)

    def log_prob(value: jax.Array, *leaves: Any) -> jax.Array:
        d = build(family, iter(leaves))
        log_p = jnp.where(membership(d, value), d.log_prob(value), -jnp.inf)
        return jnp.where(validity(d), jnp.sum(log_p), jnp.nan)

    one = sample if verb == "sample" else log_prob
    return jax.jit(jax.vmap(one, in_axes=(0, *axes)))
