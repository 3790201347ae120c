"""GPT-NeoX and Pythia (Black et al. 2022): attention and MLP in parallel, rotations of a part of each head, LayerNorm,
an ungated MLP, and biases everywhere.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ..config import DecoderConfig, Raw
from ..files import Tensor
from ..params import Layer, Linear, Params
from ..rope import frequencies
from ..weights import Tensors
from .keys import activation, even_heads, real, whole
from .llama import common
from .registry import architecture
from .ropes import rope_of, spec_of


def neox_params(read: Tensors, config: DecoderConfig) -> Params:
    """The parameters under the names of GPT-NeoX, whose q, k, v lie side by side head by head."""
    H, N, D, inner = config.hidden, config.heads, config.head_dim, config.intermediate

    def by_kind(a: Tensor) -> Tensor:
        """Output features in the order [N, 3, D] -> [3, N, D]."""
        return a.reshape(N, 3, D, *a.shape[1:]).swapaxes(0, 1).reshape(a.shape)

    def qkv(name: str) -> Linear:
        weight = by_kind(read.take(f"{name}.weight", 3 * H, H)).T
        return read.dense(weight, by_kind(read.take(f"{name}.bias", 3 * H)) if "qkv" in config.biases else None)

    def layer(i: int) -> Layer:
        at = f"gpt_neox.layers.{i}."
        return Layer(
            attention_norm=read.norm(at + "input_layernorm", H),
            qkv=qkv(at + "attention.query_key_value"),
            q_norm=None,
            k_norm=None,
            out=read.linear("out", [at + "attention.dense"], [H], H),
            attention_post_norm=None,
            mlp_norm=read.norm(at + "post_attention_layernorm", H),
            gate_up=read.linear("gate_up", [at + "mlp.dense_h_to_4h"], [inner], H),
            down=read.linear("down", [at + "mlp.dense_4h_to_h"], [H], inner),
            mlp_post_norm=None,
        )

    return Params(
        embed=read.embedding("gpt_neox.embed_in.weight"),
        positions=None,
        layers=tuple(layer(i) for i in range(config.layers)),
        norm=read.norm("gpt_neox.final_layer_norm", H),
        head=read.head("embed_out.weight" if read.has("embed_out.weight") else "lm_head.weight"),
        frequencies=tuple(jnp.asarray(frequencies(rope, D)) for rope in config.ropes),
    )


@architecture("GPTNeoXForCausalLM", "gpt_neox", neox_params)
def gpt_neox(raw: Raw) -> DecoderConfig:
    names: dict[str, Any] = {"intermediate_size": 4 * whole(raw, "hidden_size"), "max_position_embeddings": 2048}
    names |= dict(raw) | {"rope_theta": raw.get("rotary_emb_base")}
    names["partial_rotary_factor"] = raw.get("rotary_pct", 0.25)
    rope = rope_of(names, spec_of(names), whole(names, "max_position_embeddings"), partial=True)
    biased = ("qkv", "out") if raw.get("attention_bias", True) else ()
    return common(
        names | even_heads(raw),
        ropes=(rope,),
        norm="layer",
        norm_eps=real(raw, "layer_norm_eps", 1e-5),
        activation=activation(raw, "hidden_act", "gelu"),
        gated=False,
        biases=frozenset((*biased, "gate_up", "down")),
        parallel=bool(raw.get("use_parallel_residual", True)),
    )
