"""Phi-3 (and Phi-4 of the same architecture): Llama whose checkpoints hold q, k, v in one tensor and gate, up in
another, may rotate a part of each head only, and stretch it by longrope.
"""

from __future__ import annotations

from functools import partial

from ...errors import ModelError
from ..config import DecoderConfig, Raw
from .keys import everywhere, whole
from .llama import common, llama_params, windows
from .registry import architecture
from .ropes import rope_of, spec_of

DEFAULTS = {"rms_norm_eps": 1e-5, "max_position_embeddings": 4096, "original_max_position_embeddings": 4096}


@architecture("Phi3ForCausalLM", "phi3", partial(llama_params, fused=True))
def phi3(raw: Raw) -> DecoderConfig:
    raw = DEFAULTS | dict(raw)
    spec, layers = spec_of(raw), whole(raw, "num_hidden_layers")
    kind = spec.get("rope_type") or spec.get("type") or "default"
    if kind in ("su", "yarn"):  # earlier names of longrope
        spec["rope_type"] = "longrope"
    elif kind not in ("default", "longrope"):
        raise ModelError(f"config.json: rope_type {kind!r} is not supported in Phi-3; supported: default, longrope")
    rope = rope_of(raw, spec, whole(raw, "max_position_embeddings"), partial=True)
    return common(raw, ropes=(rope,), windows=windows(raw, everywhere(raw, layers)))
