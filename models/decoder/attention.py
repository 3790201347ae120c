"""Grouped-query attention over a shared trunk and each row's own cache, in one softmax.

A prompt that all rows share is stored once, as the *trunk*, and its scores are one matmul for all rows; scores over the
rows' own keys are batched. Both parts share one maximum and one normaliser, so the split is exact (Juravsky et al.
2024, "Hydragen", section 3.2, computes the same from two softmaxes merged by their log-sum-exp).

Layout: keys [slot, head, D, time], values [slot, head, time, D]. Measured on two CPU cores at 128 rows and 128
positions (8 layers, 4 key heads of 32): 4.2 ms a step against 44 ms for [time, slot, head, D] and 5.7 ms for keys kept
like the values; a slot is then one contiguous block, too, so that copying one is a plain copy.

Sizes: B rows, C tokens fed to each, K key heads, G query heads for each, D head size, T cache positions, P trunk
positions.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

HIGHEST = jax.lax.Precision.HIGHEST


class Trunk(NamedTuple):
    """Keys [K, D, P] and values [K, P, D] of each layer; empty tuples when there is no trunk."""

    keys: tuple[jax.Array, ...] = ()
    values: tuple[jax.Array, ...] = ()


def write(
    keys: jax.Array, values: jax.Array, k: jax.Array, v: jax.Array, slots: jax.Array | None, at: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Store k and v [B, C, K, D] at positions `at` [B, C] of slots [B]; a position outside the cache is dropped. With
    slots None row b is slot b, and XLA sees that rows need not leave their device.
    """
    if slots is None:
        return jax.vmap(_write_one)(keys, values, k.astype(keys.dtype), v.astype(values.dtype), at)
    s = slots[:, None]
    keys = keys.at[s, :, :, at].set(k.astype(keys.dtype), mode="drop")
    return keys, values.at[s, :, at].set(v.astype(values.dtype), mode="drop")


def _write_one(
    keys: jax.Array, values: jax.Array, k: jax.Array, v: jax.Array, at: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """k and v [C, K, D] at positions `at` [C] of one slot."""
    keys = keys.at[:, :, at].set(k.transpose(1, 2, 0), mode="drop")
    return keys, values.at[:, at].set(v.swapaxes(0, 1), mode="drop")


class Sight(NamedTuple):
    """What each query sees: of its own cache [B, C, T], of the trunk [B, 1 or C, P]."""

    own: jax.Array
    trunk: jax.Array


def sight(local: jax.Array, bases: jax.Array, T: int, P: int, window: int | None) -> Sight:
    """The query at own position `local` [B, C] sees the first `bases` [B] positions of the trunk and its own up to
    itself; with a window, the last `window` of these, itself included.
    """
    t, p = jnp.arange(T), jnp.arange(P)
    if window is None:
        return Sight(t <= local[:, :, None], (p < bases[:, None])[:, None])
    last = jnp.minimum(local, T - 1)[:, :, None]  # a padding query may lie beyond: let it see something, too
    position = last + bases[:, None, None]
    own = (t <= last) & (t > last - window)
    return Sight(own, (p < bases[:, None, None]) & (p > position - window))


def attend(
    q: jax.Array,
    keys: jax.Array,
    values: jax.Array,
    trunk: tuple[jax.Array, jax.Array] | None,
    seen: Sight,
    scale: float | None = None,
    cap: float | None = None,
) -> jax.Array:
    """Attention of q [B, C, K, G, D] over keys [B, K, D, T] and over the trunk, in one softmax of the scores
    s = scale q k, or cap tanh(s / cap); scale None is 1 / sqrt(D). Each query must see at least one position of its
    own. Returns [B, C, K, G, D].
    """
    B, C, K, G, D = q.shape
    rows = q.transpose(0, 2, 3, 1, 4).reshape(B, K, G * C, D) * (D**-0.5 if scale is None else scale)
    scores = _dot("bkrd,bkdt->bkrt", rows, keys).reshape(B, K, G, C, -1)
    scores = jnp.where(seen.own[:, None, None], soft_cap(scores, cap), -jnp.inf)
    peak = scores.max(-1, keepdims=True)
    if trunk is not None:
        shared = _dot("bkrd,kdp->bkrp", rows, trunk[0]).reshape(B, K, G, C, -1)
        shared = jnp.where(seen.trunk[:, None, None], soft_cap(shared, cap), -jnp.inf)
        peak = jnp.maximum(peak, shared.max(-1, keepdims=True))
    e = jnp.exp(scores - peak)
    total = e.sum(-1, keepdims=True)
    out = _dot("bkrt,bktd->bkrd", e.reshape(B, K, G * C, -1), values)
    if trunk is not None:
        f = jnp.exp(shared - peak)
        total = total + f.sum(-1, keepdims=True)
        out = out + _dot("bkrp,kpd->bkrd", f.reshape(B, K, G * C, -1), trunk[1])
    return (out.reshape(B, K, G, C, D) / total).transpose(0, 3, 1, 2, 4)


def soft_cap(x: jax.Array, limit: float | None) -> jax.Array:
    """limit tanh(x / limit); x where there is no limit."""
    return x if limit is None else limit * jnp.tanh(x / limit)


def _dot(spec: str, a: jax.Array, b: jax.Array) -> jax.Array:
    """Accumulated and returned in float32, whatever the cache is stored in."""
    return jnp.einsum(spec, a.astype(b.dtype), b, precision=HIGHEST, preferred_element_type=jnp.float32)
