"""The parameters of a decoder as the forward pass reads them; a part that a model lacks is None."""

from __future__ import annotations

from typing import NamedTuple

import jax


class Norm(NamedTuple):
    """Scale and shift of a normalisation; it runs over as many of the last axes as `weight` has."""

    weight: jax.Array
    bias: jax.Array | None = None


class Linear(NamedTuple):
    """x -> x weight + bias; the columns of an int8 weight are multiples of `scale`."""

    weight: jax.Array  # [in, out]
    bias: jax.Array | None = None  # [out]
    scale: jax.Array | None = None  # [out]


class Embedding(NamedTuple):
    """Rows for tokens; the rows of an int8 weight are multiples of `scale`."""

    weight: jax.Array  # [V, H]
    scale: jax.Array | None = None  # [V]


class Layer(NamedTuple):
    """One block. H hidden, N query heads, K key heads, D head size, I inner."""

    attention_norm: Norm | None  # [H]
    qkv: Linear  # [H, (N + 2K) D]
    q_norm: Norm | None  # [D] for each head, [N, D] for all heads together
    k_norm: Norm | None  # [D] or [K, D]
    out: Linear  # [N D, H]
    attention_post_norm: Norm | None  # [H]
    mlp_norm: Norm | None  # [H]
    gate_up: Linear  # [H, 2 I], gate first; [H, I] where nothing is gated
    down: Linear  # [I, H]
    mlp_post_norm: Norm | None  # [H]


class Params(NamedTuple):
    embed: Embedding
    positions: jax.Array | None  # [max_length, H]
    layers: tuple[Layer, ...]
    norm: Norm  # [H]
    head: Linear | None  # [H, V]; None when tied to `embed`
    frequencies: tuple[jax.Array, ...]  # [r/2] for each of `config.ropes`
