"""Qwen2 (and 2.5): Llama with biases on queries, keys and values. Qwen3: none, but norms of each query and key head.
Both may slide in the layers above `max_window_layers`.
"""

from __future__ import annotations

from ..config import DecoderConfig, Raw
from .keys import sliding_if_used, whole
from .llama import common, llama_params, windows
from .registry import architecture

DEFAULTS = {
    "sliding_window": 4096, "max_window_layers": 28, "max_position_embeddings": 32768, "num_key_value_heads": 32,
}  # fmt: skip


@architecture("Qwen2ForCausalLM", "qwen2", llama_params)
def qwen2(raw: Raw) -> DecoderConfig:
    raw = DEFAULTS | dict(raw)
    return common(raw, windows=_windows(raw), biases=frozenset({"qkv"}))


@architecture("Qwen3ForCausalLM", "qwen3", llama_params)
def qwen3(raw: Raw) -> DecoderConfig:
    raw = DEFAULTS | {"head_dim": 128} | dict(raw)
    return common(raw, windows=_windows(raw), qk_norm="head")


def _windows(raw: Raw) -> tuple[int | None, ...]:
    layers, first = whole(raw, "num_hidden_layers"), raw["max_window_layers"]
    return windows(raw, sliding_if_used(raw, layers, [i >= first for i in range(layers)]))
