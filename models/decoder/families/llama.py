"""Llama 2 and 3 (and SmolLM 1 and 2, which are Llamas), and the names that most families share with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from ...errors import ModelError
from ..config import DecoderConfig, Raw
from ..params import Layer, Norm, Params
from ..rope import Rope, frequencies
from ..weights import Tensors
from .keys import activation, heads, nowhere, real, whole
from .registry import architecture, architecture_name
from .ropes import longest, rope_of, spec_of


def common(raw: Raw, ropes: tuple[Rope, ...] | None = None, **features: Any) -> DecoderConfig:
    """The keys that most families share, with the defaults of Hugging Face for Llama where they are absent (a family
    puts its own under `raw`). `features` say what it does otherwise; None for `ropes` is the one that `raw` names.
    """
    n, k, head_dim = heads(raw)
    layers = whole(raw, "num_hidden_layers")
    length = whole(raw, "max_position_embeddings", 2048)
    if ropes is None:
        ropes = (rope_of(raw, spec_of(raw), length),)
    fields: dict[str, Any] = {
        "norm_eps": real(raw, "rms_norm_eps", 1e-6), "tied": bool(raw.get("tie_word_embeddings", False)),
        "rotations": (0,) * layers, "biases": biases(raw),
    }  # fmt: skip
    fields |= {"windows": nowhere(raw, layers)} if "windows" not in features else {}
    fields |= {"activation": activation(raw, "hidden_act", "silu")} if "activation" not in features else {}
    for rope in ropes:
        if rope.divisors and len(rope.divisors) != (turned := (int(head_dim * rope.fraction) + 1) // 2):
            raise ModelError(f"config.json: short_factor has {len(rope.divisors)} numbers; these heads need {turned}")
    return DecoderConfig(
        architecture=architecture_name(raw),
        vocab_size=whole(raw, "vocab_size"),
        hidden=whole(raw, "hidden_size"),
        layers=layers,
        heads=n,
        kv_heads=k,
        head_dim=head_dim,
        intermediate=whole(raw, "intermediate_size"),
        max_length=min([length, *(longest(rope, length) for rope in ropes)]),
        ropes=ropes,
        **(fields | features),
    )


def windows(raw: Raw, sliding: Sequence[bool]) -> tuple[int | None, ...]:
    """For each layer: `sliding_window` where it slides and the key is not null, else None."""
    size = whole(raw, "sliding_window") if raw.get("sliding_window") is not None else None
    return tuple(size if slides else None for slides in sliding)


def biases(raw: Raw) -> frozenset[str]:
    found = ("qkv", "out") if raw.get("attention_bias") else ()
    return frozenset((*found, *(("gate_up", "down") if raw.get("mlp_bias") else ())))


def llama_params(read: Tensors, config: DecoderConfig, *, offset: float = 0.0, fused: bool = False) -> Params:
    """The parameters under the names of Llama. offset: norms scale by this + weight; fused: q, k, v are one tensor,
    gate and up another.
    """
    H, D, inner = config.hidden, config.head_dim, config.intermediate
    n, k = config.heads * D, config.kv_heads * D
    sandwich = config.pre_norm and config.post_norm

    def norm(wanted: bool, name: str, *shape: int) -> Norm | None:
        return read.norm(name, *shape, offset=offset) if wanted else None

    def layer(i: int) -> Layer:
        base = f"model.layers.{i}"
        attention, mlp, whole = f"{base}.self_attn.", f"{base}.mlp.", config.qk_norm == "whole"
        qkv, gate_up = ("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj")
        before_mlp = "pre_feedforward_layernorm" if sandwich else "post_attention_layernorm"
        return Layer(
            attention_norm=norm(config.pre_norm, f"{base}.input_layernorm", H),
            qkv=read.linear("qkv", [attention + "qkv_proj"], [n + 2 * k], H)
            if fused
            else read.linear("qkv", [attention + a for a in qkv], [n, k, k], H),
            q_norm=norm(config.qk_norm is not None, attention + "q_norm", *((config.heads, D) if whole else (D,))),
            k_norm=norm(config.qk_norm is not None, attention + "k_norm", *((config.kv_heads, D) if whole else (D,))),
            out=read.linear("out", [attention + "o_proj"], [H], n),
            attention_post_norm=norm(config.post_norm, f"{base}.post_attention_layernorm", H),
            mlp_norm=norm(config.pre_norm, f"{base}.{before_mlp}", H),
            gate_up=read.linear("gate_up", [mlp + "gate_up_proj"], [2 * inner], H)
            if fused
            else read.linear("gate_up", [mlp + a for a in gate_up], [inner, inner], H),
            down=read.linear("down", [mlp + "down_proj"], [H], inner),
            mlp_post_norm=norm(config.post_norm, f"{base}.post_feedforward_layernorm", H),
        )

    return Params(
        embed=read.embedding("model.embed_tokens.weight"),
        positions=None,
        layers=tuple(layer(i) for i in range(config.layers)),
        norm=read.norm("model.norm", H, offset=offset),
        head=read.head("lm_head.weight"),
        frequencies=tuple(jnp.asarray(frequencies(rope, D)) for rope in config.ropes),
    )


@architecture("LlamaForCausalLM", "llama", llama_params)
def llama(raw: Raw) -> DecoderConfig:
    return common(raw)
