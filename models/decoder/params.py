"""The parameters of a decoder as the forward pass reads them; a part that a model lacks is None."""

from __future__ import annotations

from typing import NamedTuple

import jax


class Norm(NamedTuple):
    """Scale and shift of a normalisation; it runs over as many of the last axes as `weight` has."""

    weight: jax.Array
    bias: jax.Array | None = None


class LowRank(NamedTuple):
    """x -> x a b, beside a projection whose weights stay as they are."""

    a: jax.Array  # [in, r]
    b: jax.Array  # [r, out]


class Linear(NamedTuple):
    """x -> x weight + bias; the columns of an int8 weight are multiples of `scale`."""

    weight: jax.Array  # [in, out]
    bias: jax.Array | None = None  # [out]
    scale: jax.Array | None = None  # [out]
    low: LowRank | None = None


class Embedding(NamedTuple):
    """Rows for tokens; the rows of an int8 weight are multiples of `scale`."""

    weight: jax.Array  # [V, H]
    scale: jax.Array | None = None  # [V]
    extra: jax.Array | None = None  # [P, H], rows of tokens V, V + 1, ..., which can be read and are never predicted

    @property
    def size(self) -> int:
        """Tokens that can be read."""
        return self.weight.shape[0] + (0 if self.extra is None else self.extra.shape[0])


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
    logit_bias: jax.Array | None = None  # [V], added to the logits after their cap
