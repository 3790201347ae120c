"""The compiled programs of a gradient: whole texts at once, differentiated by the parameters of adapters.

    L(theta) = sum_b sum_m w_bm log q_bm,    log q = log softmax(logits / temperature + log mask) of a given token

The prompt that all rows begin with is a trunk t(theta), computed once whatever the number of chunks: each chunk gives
dL/dtheta with t fixed and dL/dt, whose sum goes back through the trunk at the end:  dL/dtheta += (dt/dtheta)^T dL/dt.
The forward pass is that of the decoder, `forward.hidden`, with an empty cache in float32.
Sizes: B rows, T tokens fed to each, M positions of each from the first with a weight on, P positions of the trunk.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from numpy.typing import NDArray

from ..decoder import forward
from ..decoder.attention import Trunk
from ..decoder.config import DecoderConfig
from ..decoder.draw import unpack
from ..decoder.forward import Cache, Feed
from ..decoder.params import Params
from ..decoder.programs import as_trunk
from .adapter import Adapter

Adapters = tuple[Adapter, ...]
Array = jax.Array | NDArray[Any]


class Texts(NamedTuple):
    """A chunk of rows that follow the first `base` positions of the trunk; weight 0 where nothing is asked."""

    tokens: Array  # [B, T]
    counts: Array  # [B], 0 for a padding row
    base: Array  # []
    first: Array  # [B], the position whose next token is that of column 0 below
    targets: Array  # [B, M]
    weights: Array  # [B, M]
    temperatures: Array  # [B]
    masks: Array | None  # [B, M, ceil(V / 32)], packed


class Sums(NamedTuple):
    """L, its gradient by the parameters, and by the trunk where this depends on them (else an empty trunk)."""

    value: jax.Array
    gradient: Any
    trunk: Trunk


def installed(params: Params, theta: Any, adapters: Sequence[Adapter]) -> Params:
    """The parameters of the decoder with those of the adapters in them."""
    for adapter in adapters:
        params = adapter.installed(params, theta[adapter.key])
    return params


@partial(jax.jit, static_argnames=("config", "adapters"))
def begin(theta: Any, base: Params, tokens: Array, count: Array, *, config: DecoderConfig, adapters: Adapters) -> Trunk:
    """The trunk of a prompt: the first `count` [1] of tokens [1, P]."""
    params = installed(base, theta, adapters)
    zero = jnp.zeros(1, jnp.int32)
    cache = _empty(config, *tokens.shape)
    feed = Feed(zero, zero, jnp.asarray(count), zero, jnp.asarray(tokens))
    _, cache = forward.hidden(params, config, Trunk(), cache, feed, True)
    trunk: Trunk = as_trunk(cache)
    return trunk


@partial(jax.jit, static_argnames=("config", "adapters"), donate_argnames=("sums",))
def add(
    sums: Sums, theta: Any, base: Params, trunk: Trunk, texts: Texts, *, config: DecoderConfig, adapters: Adapters
) -> Sums:
    """`sums` with those of a chunk."""
    deep = bool(sums.trunk.keys)  # an empty trunk is not differentiated

    def objective(theta: Any, moved: Trunk) -> jax.Array:
        return _objective(installed(base, theta, adapters), config, moved if deep else trunk, texts)

    value, (gradient, moved) = jax.value_and_grad(objective, (0, 1))(theta, trunk if deep else Trunk())
    total: Sums = jax.tree.map(jnp.add, sums, Sums(value, gradient, moved))
    return total


@partial(jax.jit, static_argnames=("config", "adapters"))
def finish(
    sums: Sums, theta: Any, base: Params, tokens: Array, count: Array, *, config: DecoderConfig, adapters: Adapters
) -> Any:
    """The whole gradient: what came by the trunk taken back through the prompt."""
    _, back = jax.vjp(lambda theta: begin(theta, base, tokens, count, config=config, adapters=adapters), theta)
    return jax.tree.map(jnp.add, sums.gradient, *back(sums.trunk))


def _objective(params: Params, config: DecoderConfig, trunk: Trunk, texts: Texts) -> jax.Array:
    """L of one chunk."""
    B, T = texts.tokens.shape
    M = texts.targets.shape[1]
    slots, zero = jnp.arange(B, dtype=jnp.int32), jnp.zeros(B, jnp.int32)
    feed = Feed(slots, zero, jnp.asarray(texts.counts), zero + texts.base, jnp.asarray(texts.tokens))
    h, _ = forward.hidden(params, config, trunk, _empty(config, B, T), feed, True)
    at = jnp.minimum(jnp.asarray(texts.first)[:, None] + jnp.arange(M), T - 1)
    h = jnp.take_along_axis(h, at[..., None], 1)
    l = forward.logits(params, config, h.reshape(B * M, -1)).reshape(B, M, -1)
    l = l / jnp.asarray(texts.temperatures)[:, None, None]
    if texts.masks is not None:
        masks = jnp.asarray(texts.masks)
        l = jnp.where(unpack(masks.reshape(B * M, -1), l.shape[-1]).reshape(l.shape), l, -jnp.inf)
    log_q = jnp.take_along_axis(l, jnp.asarray(texts.targets)[..., None], 2)[..., 0] - jax.nn.logsumexp(l, axis=-1)
    asked = jnp.asarray(texts.weights) != 0
    return jnp.sum(jnp.where(asked, log_q, 0.0) * texts.weights)


def _empty(config: DecoderConfig, rows: int, depth: int) -> Cache:
    K, D = config.kv_heads, config.head_dim
    keys = tuple(jnp.zeros((rows, K, D, depth)) for _ in range(config.layers))
    return Cache(keys, tuple(jnp.zeros((rows, K, depth, D)) for _ in range(config.layers)))


def nothing(theta: Any, trunk: Trunk) -> Sums:
    """Sums of no texts."""
    return Sums(jnp.zeros(()), *jax.tree.map(jnp.zeros_like, (theta, trunk)))
