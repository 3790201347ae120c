"""The forward pass of a decoder, for everything: prefill, decoding, teacher forcing.

The block is that of Llama (Touvron et al. 2023); what other architectures do otherwise is switched by `config` and by
which parameters there are. Feed C tokens to each of B rows; row b continues whatever slot `slots[b]` holds. Layers are
unrolled: a scan that carries the cache would copy it. Sizes as in `attention`; H hidden, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Generic, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from .attention import HIGHEST, Trunk, attend, sight, soft_cap, write
from .config import DecoderConfig
from .exchange import rows_of
from .params import Layer, Linear, Norm, Params
from .placement import ALONE, Placement, parts
from .rope import rotate, turns


class Cache(NamedTuple):
    """Keys [S, K, D, T] and values [S, K, T, D] of each layer."""

    keys: tuple[jax.Array, ...]
    values: tuple[jax.Array, ...]


A = TypeVar("A", jax.Array, NDArray[np.int32])

ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "silu": jax.nn.silu,
    "gelu": partial(jax.nn.gelu, approximate=False),
    "gelu_tanh": partial(jax.nn.gelu, approximate=True),
    "relu": jax.nn.relu,
}


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
    params: Params,
    config: DecoderConfig,
    trunk: Trunk,
    cache: Cache,
    feed: Feed[jax.Array],
    whole: bool,
    placement: Placement = ALONE,
) -> tuple[jax.Array, Cache]:
    """Normalised last hidden states [B, C, H], float32, and the cache with the fed tokens in it.

    `whole` says that row b is slot b, for all slots, which saves gathering the rows out of the cache.
    """
    feed = placement.first(feed)
    into = None if whole and placement.mesh is not None else feed.slots
    B, C = feed.tokens.shape
    T, P = cache.values[0].shape[2], trunk.keys[0].shape[-1] if trunk.keys else 0
    step = jnp.arange(C)
    local = feed.starts[:, None] + step  # [B, C]
    at = jnp.where(step < feed.counts[:, None], local, T)  # T is outside the cache: dropped
    position = local + feed.bases[:, None]
    seen = {w: sight(local, feed.bases, T, P, w) for w in set(config.windows)}
    turned = [turns(r, f, position) for r, f in zip(config.ropes, params.frequencies, strict=True)]

    K, G, D = config.kv_heads, config.group, config.head_dim
    n, shards = config.heads * D, placement.columns
    x = embed(params, config, feed.tokens, position)
    keys, values = list(cache.keys), list(cache.values)
    for i, (layer, turn, window) in enumerate(zip(params.layers, config.rotations, config.windows, strict=True)):
        qkv = linear(norm(x, layer.attention_norm, config), layer.qkv)
        q, k, v = parts(qkv, (n, K * D, K * D), shards)
        q = norm(q.reshape(B, C, K * G, D), layer.q_norm, config)
        k = norm(k.reshape(B, C, K, D), layer.k_norm, config)
        v = v.reshape(B, C, K, D)
        if turn is not None:
            q, k = rotate(q, *turned[turn]), rotate(k, *turned[turn])
        keys[i], values[i] = write(keys[i], values[i], k, v, into, at)
        own = keys[i], values[i]
        if not whole:
            own = rows_of(keys[i], feed.slots, placement, True), rows_of(values[i], feed.slots, placement, True)
        shared = (trunk.keys[i], trunk.values[i]) if trunk.keys else None
        q = q.reshape(B, C, K, G, D)
        attended = attend(q, *own, shared, seen[window], config.score_scale, config.score_cap)
        y = x + norm(linear(attended.reshape(B, C, n), layer.out), layer.attention_post_norm, config)
        x = y + norm(mlp(x if config.parallel else y, layer, config, shards), layer.mlp_post_norm, config)
    return norm(x, params.norm, config), Cache(tuple(keys), tuple(values))


def embed(params: Params, config: DecoderConfig, tokens: jax.Array, position: jax.Array) -> jax.Array:
    """The residual stream [B, C, H] that the first block reads."""
    weight, scale, extra = params.embed
    known = tokens if extra is None else jnp.minimum(tokens, weight.shape[0] - 1)
    x = weight[known].astype(jnp.float32)
    if scale is not None:
        x = x * scale[known][..., None]
    if extra is not None:
        own = tokens - weight.shape[0]
        x = jnp.where((own < 0)[..., None], x, extra[jnp.maximum(own, 0)])
    if config.embed_scale != 1.0:
        x = x * config.embed_scale
    return x if params.positions is None else x + params.positions[position]


def logits(params: Params, config: DecoderConfig, h: jax.Array) -> jax.Array:
    """Next-token logits [B, V], float32, of hidden states h [B, H]."""
    if params.head is not None:
        l = linear(h, params.head)
    else:
        a, b = same_type(h, params.embed.weight)
        l = jnp.einsum("bh,vh->bv", a, b, precision=HIGHEST, preferred_element_type=jnp.float32)
        l = l if params.embed.scale is None else l * params.embed.scale
    l = soft_cap(l, config.logit_cap)
    return l if params.logit_bias is None else l + params.logit_bias


def mlp(x: jax.Array, layer: Layer, config: DecoderConfig, shards: int = 1) -> jax.Array:
    """SwiGLU (Shazeer 2020) and its like: down(act(gate x) * up x); ungated: down(act(up x))."""
    act = ACTIVATIONS[config.activation]
    up = linear(norm(x, layer.mlp_norm, config), layer.gate_up)
    if not config.gated:
        return linear(act(up), layer.down)
    gate, up = parts(up, (config.intermediate, config.intermediate), shards)
    return linear(act(gate) * up, layer.down)


def norm(x: jax.Array, by: Norm | None, config: DecoderConfig) -> jax.Array:
    """x / rms(x) * weight (Zhang & Sennrich 2019), or (x - mean) / std * weight + bias (Ba et al. 2016); x if there is
    no such norm."""
    if by is None:
        return x
    axes = tuple(range(-by.weight.ndim, 0))
    if config.norm == "layer":
        x = x - jnp.mean(x, axis=axes, keepdims=True)
    y = x * jax.lax.rsqrt(jnp.mean(x * x, axis=axes, keepdims=True) + config.norm_eps) * by.weight
    return y if by.bias is None else y + by.bias


def linear(x: jax.Array, by: Linear) -> jax.Array:
    """x weight + x a b + bias, accumulated in float32; the product of low rank in the type of x."""
    y = jnp.dot(*same_type(x, by.weight), precision=HIGHEST, preferred_element_type=jnp.float32)
    if by.scale is not None:
        y = y * by.scale
    if by.low is not None:
        y = y + jnp.dot(jnp.dot(x, by.low.a, precision=HIGHEST), by.low.b, precision=HIGHEST)
    return y if by.bias is None else y + by.bias


def same_type(x: jax.Array, weight: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Activations take the type of the weights, unless these are integers, which are widened instead."""
    return (x, weight.astype(x.dtype)) if weight.dtype == jnp.int8 else (x.astype(weight.dtype), weight)
