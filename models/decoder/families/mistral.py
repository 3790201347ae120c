"""Mistral: Llama with a sliding window in every layer (Jiang et al. 2023)."""

from __future__ import annotations

from ..config import DecoderConfig, Raw
from .keys import everywhere, whole
from .llama import common, llama_params, windows
from .registry import architecture

DEFAULTS = {"sliding_window": 4096, "num_key_value_heads": 8, "max_position_embeddings": 131072}


@architecture("MistralForCausalLM", "mistral", llama_params)
def mistral(raw: Raw) -> DecoderConfig:
    raw = DEFAULTS | dict(raw)
    return common(raw, windows=windows(raw, everywhere(raw, whole(raw, "num_hidden_layers"))))
