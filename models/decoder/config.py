"""`DecoderConfig`: what fixes the computation of a decoder beside its weights, in features that combine freely.

A family of checkpoints (`families`) maps its config.json to one of these; the forward pass knows no family. Everything
is static: a feature that is not used is not traced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .rope import Rope

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """Hashable, so that it can be a static argument of every compiled program."""

    architecture: str
    vocab_size: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    max_length: int
    norm_eps: float
    tied: bool
    ropes: tuple[Rope, ...]
    rotations: tuple[int | None, ...]
    """For each layer: which of `ropes` turns its queries and keys, if any."""
    windows: tuple[int | None, ...]
    """For each layer: how many positions a query sees, itself included; None for all."""
    norm: str = "rms"  # rms | layer
    pre_norm: bool = True
    """Norms of what goes into attention and MLP."""
    post_norm: bool = False
    """Norms of what comes out of them, before it is added to the residual stream."""
    qk_norm: str | None = None
    """Norms of queries and keys: of each "head", or of the "whole" projection."""
    parallel: bool = False
    """Attention and MLP read the same residual stream, instead of one after the other."""
    activation: str = "silu"  # a key of `forward.ACTIVATIONS`
    gated: bool = True
    """down(act(gate x) * up x), else down(act(up x))."""
    biases: frozenset[str] = frozenset()
    """The projections with a bias: of qkv, out, gate_up, down."""
    positions: bool = False
    """Learned embeddings of absolute positions are added to those of the tokens."""
    embed_scale: float = 1.0
    score_scale: float | None = None
    """Attention scores are q k times this; None for 1 / sqrt(head_dim)."""
    score_cap: float | None = None
    """Attention scores s become cap tanh(s / cap); likewise the logits."""
    logit_cap: float | None = None

    @property
    def group(self) -> int:
        """Query heads for each key-value head."""
        return self.heads // self.kv_heads
