"""SmolLM3: Llama in which every fourth layer knows no positions (NoPE; Kazemnejad et al. 2023). SmolLM 1 and 2 are
Llamas.
"""

from __future__ import annotations

from ...errors import ModelError
from ..config import DecoderConfig, Raw
from .keys import sliding_if_used, whole
from .llama import common, llama_params, windows
from .registry import architecture

DEFAULTS = {
    "num_key_value_heads": 4, "max_position_embeddings": 32768, "rope_theta": 2e6, "tie_word_embeddings": True,
    "no_rope_layer_interval": 4,
}  # fmt: skip


@architecture("SmolLM3ForCausalLM", "smollm3", llama_params)
def smollm3(raw: Raw) -> DecoderConfig:
    raw = DEFAULTS | dict(raw)
    layers = whole(raw, "num_hidden_layers")
    interval = whole(raw, "no_rope_layer_interval")
    turned = raw.get("no_rope_layers") or [(i + 1) % interval != 0 for i in range(layers)]
    if len(turned) < layers:
        raise ModelError(f"config.json: no_rope_layers names {len(turned)} layers, num_hidden_layers {layers}")
    turned = turned[:layers]
    slides = sliding_if_used(raw, layers, [not t for t in turned])
    return common(raw, rotations=tuple(0 if t else None for t in turned), windows=windows(raw, slides))
