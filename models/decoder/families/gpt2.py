"""GPT-2 (Radford et al. 2019): learned positions, LayerNorm, an ungated MLP, biases everywhere, and weights stored
[in, out] (`Conv1D`).
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ..config import DecoderConfig, Raw
from ..params import Layer, Linear, Params
from ..weights import Tensors
from .keys import activation, even_heads, real, refuse, whole
from .llama import common
from .registry import architecture


def gpt2_params(read: Tensors, config: DecoderConfig) -> Params:
    """The parameters under the names of GPT-2; the first checkpoints leave out the prefix "transformer."."""
    H, inner = config.hidden, config.intermediate
    base = "" if read.has("wte.weight") else "transformer."

    def conv(name: str, width: int, out: int) -> Linear:
        return read.dense(read.take(f"{name}.weight", width, out), read.take(f"{name}.bias", out))

    def layer(i: int) -> Layer:
        at = f"{base}h.{i}."
        return Layer(
            attention_norm=read.norm(at + "ln_1", H),
            qkv=conv(at + "attn.c_attn", H, 3 * H),
            q_norm=None,
            k_norm=None,
            out=conv(at + "attn.c_proj", H, H),
            attention_post_norm=None,
            mlp_norm=read.norm(at + "ln_2", H),
            gate_up=conv(at + "mlp.c_fc", H, inner),
            down=conv(at + "mlp.c_proj", inner, H),
            mlp_post_norm=None,
        )

    return Params(
        embed=read.embedding(base + "wte.weight"),
        positions=jnp.asarray(read.take(base + "wpe.weight", config.max_length, H)),
        layers=tuple(layer(i) for i in range(config.layers)),
        norm=read.norm(base + "ln_f", H),
        head=read.head("lm_head.weight"),
        frequencies=(),
    )


@architecture("GPT2LMHeadModel", "gpt2", gpt2_params)
def gpt2(raw: Raw) -> DecoderConfig:
    refuse(raw, "scale_attn_by_inverse_layer_idx", False)
    hidden, layers = whole(raw, "n_embd", 768), whole(raw, "n_layer", 12)
    names: dict[str, Any] = {
        "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": whole(raw, "n_head", 12),
        "max_position_embeddings": whole(raw, "n_positions", 1024), "vocab_size": 50257, "tie_word_embeddings": True,
        "intermediate_size": whole(raw, "n_inner", 4 * hidden),
    }  # fmt: skip
    names |= dict(raw)
    return common(
        names | even_heads(names),
        ropes=(),
        rotations=(None,) * layers,
        norm="layer",
        norm_eps=real(raw, "layer_norm_epsilon", 1e-5),
        activation=activation(raw, "activation_function", "gelu_new"),
        gated=False,
        biases=frozenset({"qkv", "out", "gate_up", "down"}),
        positions=True,
        score_scale=None if raw.get("scale_attn_weights", True) else 1.0,
    )
