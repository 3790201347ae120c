"""OLMo 2: Llama with norms after attention and MLP instead of before, and norms of the whole projections of queries and
keys. OLMo 3: the same with a window in three of four layers, where long contexts do not stretch the rotations.
"""

from __future__ import annotations

from ..config import DecoderConfig, Raw
from .keys import sliding, whole
from .llama import common, llama_params, windows
from .registry import architecture
from .ropes import FULL, SLIDING, rope_of, spec_of

DEFAULTS = {"rms_norm_eps": 1e-5}


@architecture("Olmo2ForCausalLM", "olmo2", llama_params)
def olmo2(raw: Raw) -> DecoderConfig:
    return common(DEFAULTS | dict(raw), pre_norm=False, post_norm=True, qk_norm="whole")


@architecture("Olmo3ForCausalLM", "olmo3", llama_params)
def olmo3(raw: Raw) -> DecoderConfig:
    raw = DEFAULTS | {"sliding_window": 4096, "rope_theta": 5e5} | dict(raw)
    layers, length = whole(raw, "num_hidden_layers"), whole(raw, "max_position_embeddings", 2048)
    slides = sliding(raw, layers, [(i + 1) % 4 != 0 for i in range(layers)])
    return common(
        raw,
        ropes=tuple(rope_of(raw, spec_of(raw, kind), length) for kind in (FULL, SLIDING)),
        rotations=tuple(int(s) for s in slides),
        windows=windows(raw, slides),
        pre_norm=False,
        post_norm=True,
        qk_norm="whole",
    )
