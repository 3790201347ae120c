"""Gemma 1, 2 and 3 (text): Llama with norms that scale by 1 + weight and embeddings scaled by the root of their size.
Gemma 2 adds norms after attention and MLP, soft caps, and a window in every other layer; Gemma 3 has norms of queries
and keys instead of the caps, and a base of its own for the rotations in the layers with a window.
"""

from __future__ import annotations

import math
from functools import partial

from ...errors import ModelError
from ..config import DecoderConfig, Raw
from .keys import activation, optional, real, refuse, sliding, whole
from .llama import common, llama_params, windows
from .registry import architecture
from .ropes import FULL, SLIDING, rope_of, spec_of

gemma_params = partial(llama_params, offset=1.0)
DEFAULTS = {
    "head_dim": 256, "max_position_embeddings": 8192, "tie_word_embeddings": True, "sliding_window": 4096,
    "query_pre_attn_scalar": 256, "num_key_value_heads": 4,
}  # fmt: skip


@architecture("GemmaForCausalLM", "gemma", gemma_params)
def gemma(raw: Raw) -> DecoderConfig:
    raw = DEFAULTS | {"num_key_value_heads": 16} | dict(raw)
    refuse(raw, "use_bidirectional_attention", None, False)
    act = "gelu_tanh" if raw.get("hidden_act") == "gelu" else activation(raw, "hidden_act", "gelu_pytorch_tanh")
    if raw.get("hidden_activation") is not None and activation(raw, "hidden_activation", "") != act:
        raise ModelError("config.json: hidden_act and hidden_activation disagree; remove one of them")
    return common(raw, activation=act, embed_scale=_embed_scale(raw))


@architecture("Gemma2ForCausalLM", "gemma2", gemma_params)
def gemma2(raw: Raw) -> DecoderConfig:
    raw = DEFAULTS | dict(raw)
    layers = whole(raw, "num_hidden_layers")
    refuse(raw, "use_bidirectional_attention", None, False)
    return common(
        raw,
        windows=windows(raw, sliding(raw, layers, [i % 2 == 0 for i in range(layers)])),
        score_cap=optional(raw, "attn_logit_softcapping", 50.0),
        logit_cap=optional(raw, "final_logit_softcapping", 30.0),
        activation=activation(raw, "hidden_activation", "gelu_pytorch_tanh"),
        embed_scale=_embed_scale(raw),
        score_scale=real(raw, "query_pre_attn_scalar") ** -0.5,
        post_norm=True,
    )


@architecture("Gemma3ForCausalLM", "gemma3_text", gemma_params)
def gemma3(raw: Raw) -> DecoderConfig:
    raw = DEFAULTS | {"max_position_embeddings": 131072} | dict(raw)
    layers, length = whole(raw, "num_hidden_layers"), whole(raw, "max_position_embeddings")
    refuse(raw, "use_bidirectional_attention", None, False)
    refuse(raw, "attn_logit_softcapping", None)
    every = whole(raw, "sliding_window_pattern", 6)
    slides = sliding(raw, layers, [(i + 1) % every != 0 for i in range(layers)])
    return common(
        raw,
        ropes=(
            rope_of(raw, spec_of(raw, FULL), length, theta=1e6),
            rope_of({"rope_theta": raw.get("rope_local_base_freq")}, spec_of(raw, SLIDING), length),
        ),
        rotations=tuple(int(s) for s in slides),
        windows=windows(raw, slides),
        logit_cap=optional(raw, "final_logit_softcapping"),
        activation=activation(raw, "hidden_activation", "gelu_pytorch_tanh"),
        embed_scale=_embed_scale(raw),
        score_scale=real(raw, "query_pre_attn_scalar") ** -0.5,
        post_norm=True,
        qk_norm="head",
    )


def _embed_scale(raw: Raw) -> float:
    return math.sqrt(whole(raw, "hidden_size"))
