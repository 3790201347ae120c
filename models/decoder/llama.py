"""The forward pass of a Llama decoder (Touvron et al. 2023), for everything: prefill, decoding, teacher forcing.

Feed C tokens to each of B rows; row b continues whatever slot `slots[b]` holds. Layers are unrolled: a scan that
carries the cache would copy it. Sizes as in `attention`; H hidden, V vocabulary.
"""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from .attention import HIGHEST, Trunk, attend, write
from .config import DecoderConfig
from .rope import rotate
from .weights import Layer, Params


class Cache(NamedTuple):
    """Keys [S, K, D, T] and values [S, K, T, D] of each layer."""

    keys: tuple[jax.Array, ...]
    values: tuple[jax.Array, ...]


A = TypeVar("A", jax.Array, NDArray[np.int32])


class Feed(NamedTuple, Generic[A]):
    """What to feed. Row b puts `tokens[b, :counts[b]]` at positions `starts[b]`, ... of its slot, whose own positions
    come after the first `bases[b]` of the trunk. A row with count 0 changes nothing.
    """

    slots: A  # [B]; a number outside the cache marks a padding row
    starts: A  # [B]
    counts: A  # [B]
    bases: A  # [B]
    tokens: A  # [B, C]


def hidden(
    params: Params, config: DecoderConfig, trunk: Trunk, cache: Cache, feed: Feed[jax.Array], whole: bool
) -> tuple[jax.Array, Cache]:
    """Normalised last hidden states [B, C, H], float32, and the cache with the fed tokens in it.

    `whole` says that row b is slot b, for all slots, which saves gathering the rows out of the cache.
    """
    B, C = feed.tokens.shape
    T = cache.values[0].shape[2]
    step = jnp.arange(C)
    local = feed.starts[:, None] + step  # [B, C]
    at = jnp.where(step < feed.counts[:, None], local, T)  # T is outside the cache: dropped
    visible = jnp.arange(T) <= local[:, :, None]  # [B, C, T]
    trunk_visible = jnp.arange(trunk.keys[0].shape[-1]) < feed.bases[:, None] if trunk.keys else None
    angles = (local + feed.bases[:, None])[..., None] * params.frequencies
    cos, sin = jnp.cos(angles)[:, :, None], jnp.sin(angles)[:, :, None]

    K, G, D = config.kv_heads, config.group, config.head_dim
    n, k_end = config.heads * D, (config.heads + K) * D
    x = params.embed[feed.tokens].astype(jnp.float32)
    keys, values = list(cache.keys), list(cache.values)
    for i, layer in enumerate(params.layers):
        qkv = linear(rms_norm(x, layer.attention_norm, config.norm_eps), layer.qkv, layer.qkv_bias)
        q = rotate(qkv[..., :n].reshape(B, C, K * G, D), cos, sin).reshape(B, C, K, G, D)
        k = rotate(qkv[..., n:k_end].reshape(B, C, K, D), cos, sin)
        v = qkv[..., k_end:].reshape(B, C, K, D)
        keys[i], values[i] = write(keys[i], values[i], k, v, feed.slots, at)
        own = (keys[i], values[i]) if whole else (rows_of(keys[i], feed.slots), rows_of(values[i], feed.slots))
        shared = (trunk.keys[i], trunk.values[i]) if trunk.keys else None
        attended = attend(q, *own, visible, shared, trunk_visible)
        x = x + linear(attended.reshape(B, C, n), layer.out, layer.out_bias)
        x = x + mlp(rms_norm(x, layer.mlp_norm, config.norm_eps), layer)
    return rms_norm(x, params.norm, config.norm_eps), Cache(tuple(keys), tuple(values))


def logits(params: Params, config: DecoderConfig, h: jax.Array) -> jax.Array:
    """Next-token logits [B, V], float32, of hidden states h [B, H]."""
    if params.head is not None:
        return linear(h, params.head, None)
    return jnp.einsum(
        "bh,vh->bv", h.astype(params.embed.dtype), params.embed, precision=HIGHEST, preferred_element_type=jnp.float32
    )


def mlp(x: jax.Array, layer: Layer) -> jax.Array:
    """SwiGLU (Shazeer 2020): down(silu(gate x) * up x)."""
    gate, up = jnp.split(linear(x, layer.gate_up, layer.gate_up_bias), 2, axis=-1)
    return linear(jax.nn.silu(gate) * up, layer.down, layer.down_bias)


def rms_norm(x: jax.Array, weight: jax.Array, eps: float) -> jax.Array:
    """x / rms(x) * weight over the last axis (Zhang & Sennrich 2019)."""
    return x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + eps) * weight


def linear(x: jax.Array, w: jax.Array, bias: jax.Array | None) -> jax.Array:
    """x w + bias with w [in, out], accumulated in float32."""
    y = jnp.dot(x.astype(w.dtype), w, precision=HIGHEST, preferred_element_type=jnp.float32)
    return y if bias is None else y + bias


def rows_of(array: jax.Array, slots: jax.Array) -> jax.Array:
    """The rows `slots` of a cache array; a padding row reads some row, whose result nobody uses."""
    return jnp.take(array, slots, axis=0, mode="clip")
