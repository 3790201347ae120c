"""Grouped-query attention over a shared trunk and each row's own cache.

A prompt that all rows share is stored once, as the *trunk*, and its scores are one matmul for each head, whatever the
number of rows; scores over the rows' own keys are batched. Each part is a softmax of its own, and parts are merged by
their normalisers, which is exact (Juravsky et al. 2024, "Hydragen", section 3.2). Heads come first in the trunk's
part, rows first in the other, as their products want it: at 128 rows that takes 4.0 ms in place of 4.9 ms for one
softmax over both, 8 layers with a trunk of 32 and 64 own positions.

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
from jax.lax import stop_gradient

HIGHEST = jax.lax.Precision.HIGHEST
LEAST = -1e30  # the peak of a part of which a query sees nothing: its weight is exp(LEAST - peak) = 0, not NaN


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
    """What each query sees: of its own cache [B, C, T], of the trunk [B, 1 or C, P]. Added to scores: 0 or -inf."""

    own: jax.Array
    trunk: jax.Array


def sight(local: jax.Array, bases: jax.Array, T: int, P: int, window: int | None) -> Sight:
    """The query at own position `local` [B, C] sees the first `bases` [B] positions of the trunk and its own up to
    itself; with a window, the last `window` of these, itself included.
    """
    t, p = jnp.arange(T), jnp.arange(P)
    if window is None:
        return Sight(_unless(t <= local[:, :, None]), _unless((p < bases[:, None])[:, None]))
    last = jnp.minimum(local, T - 1)[:, :, None]  # a padding query may lie beyond: let it see something, too
    position = last + bases[:, None, None]
    own = (t <= last) & (t > last - window)
    return Sight(_unless(own), _unless((p < bases[:, None, None]) & (p > position - window)))


def _unless(seen: jax.Array) -> jax.Array:
    return jnp.where(seen, 0.0, -jnp.inf)


class Part(NamedTuple):
    """Attention over some positions: sum_t e_t v_t and sum_t e_t with e_t = exp(s_t - peak)."""

    values: jax.Array  # [..., D]
    total: jax.Array  # [..., 1]
    peak: jax.Array  # [..., 1]


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

    def part(scores: jax.Array, seen: jax.Array, sums: str, values: jax.Array) -> Part:
        """Of scores [., ., G C, positions]; `seen` has their axes, G and C apart."""
        split = (*scores.shape[:2], G, C, -1)
        masked = (soft_cap(scores, cap).reshape(split) + seen).reshape(scores.shape)
        peak = stop_gradient(jnp.maximum(masked.max(-1, keepdims=True), LEAST))  # any number gives the same attention
        e = jnp.exp(masked - peak)
        return Part(_dot(sums, e, values), e.sum(-1, keepdims=True), peak)

    rows = q.transpose(0, 2, 3, 1, 4).reshape(B, K, G * C, D) * (D**-0.5 if scale is None else scale)
    found = part(_dot("bkrd,bkdt->bkrt", rows, keys), seen.own[:, None, None], "bkrt,bktd->bkrd", values)
    if trunk is not None:
        scores = _dot("bkrd,kdp->kbrp", rows, trunk[0])
        shared = part(scores, seen.trunk[None, :, None], "kbrp,kpd->kbrd", trunk[1])
        found = merge(found, Part(*(x.swapaxes(0, 1) for x in shared)))
    return (found.values / found.total).reshape(B, K, G, C, D).transpose(0, 3, 1, 2, 4)


def merge(a: Part, b: Part) -> Part:
    """Attention over the positions of both."""
    peak = jnp.maximum(a.peak, b.peak)
    u, v = jnp.exp(a.peak - peak), jnp.exp(b.peak - peak)
    return Part(a.values * u + b.values * v, a.total * u + b.total * v, peak)


def soft_cap(x: jax.Array, limit: float | None) -> jax.Array:
    """limit tanh(x / limit); x where there is no limit."""
    return x if limit is None else limit * jnp.tanh(x / limit)


def _dot(spec: str, a: jax.Array, b: jax.Array) -> jax.Array:
    """Accumulated and returned in float32, whatever the cache is stored in."""
    return jnp.einsum(spec, a.astype(b.dtype), b, precision=HIGHEST, preferred_element_type=jnp.float32)
