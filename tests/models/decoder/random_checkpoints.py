"""Small random checkpoints of every architecture, written by `transformers`, with that model as the reference.

Weights are large enough that every feature of an architecture changes log-probabilities far beyond the tolerance, and
sizes and caps so small that windows end inside the texts and caps bend the scores.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import numpy as np

from steersman.models.decoder import forward, programs
from steersman.models.decoder.attention import Trunk
from steersman.models.decoder.config import DecoderConfig
from steersman.models.decoder.families import read
from steersman.models.decoder.params import Params

V = 61
TEXT: tuple[int, ...] = tuple(np.random.default_rng(0).integers(2, V, 48).tolist())
COMMON: dict[str, Any] = {
    "vocab_size": V, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 128, "bos_token_id": 0, "eos_token_id": 1,
    "pad_token_id": 0,
}  # fmt: skip
FULL, SLIDING = "full_attention", "sliding_attention"
MIXED = [SLIDING, SLIDING, FULL]
YARN = {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0, "original_max_position_embeddings": 32}
LONG = {"rope_type": "longrope", "short_factor": [1.0, 1.3, 2.0], "long_factor": [1.0, 3.0, 9.0]}
NEOX = {k: v for k, v in COMMON.items() if k != "num_key_value_heads"}
GPT2 = {"vocab_size": V, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 128, "bos_token_id": 0,
        "eos_token_id": 1}  # fmt: skip

LLAMA3 = {"rope_type": "llama3", "rope_theta": 1e4, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 32}  # fmt: skip

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama2": ("Llama", {**COMMON, "num_key_value_heads": 4}),
    "llama3, tied": ("Llama", {**COMMON, "tie_word_embeddings": True, "rope_parameters": LLAMA3}),
    "llama, linear, biases": ("Llama", {**COMMON, "attention_bias": True, "mlp_bias": True, "rope_parameters": {
        "rope_type": "linear", "rope_theta": 1e4, "factor": 4.0}}),
    "llama, dynamic": ("Llama", {**COMMON, "rope_parameters": {
        "rope_type": "dynamic", "rope_theta": 1e4, "factor": 4.0}}),
    "llama, yarn": ("Llama", {**COMMON, "rope_parameters": {**YARN, "beta_fast": 16.0, "beta_slow": 2.0,
                                                            "truncate": False, "mscale": 1.4, "mscale_all_dim": 0.7}}),
    "mistral": ("Mistral", {**COMMON, "sliding_window": 7}),
    "mistral, no window, tied": ("Mistral", {**COMMON, "sliding_window": None, "tie_word_embeddings": True}),
    "qwen2": ("Qwen2", {**COMMON, "use_sliding_window": True, "sliding_window": 9, "max_window_layers": 1}),
    "qwen2, tied, yarn": ("Qwen2", {**COMMON, "tie_word_embeddings": True, "rope_parameters": YARN}),
    "qwen3": ("Qwen3", {**COMMON, "head_dim": 16}),
    "smollm3": ("SmolLM3", {**COMMON, "no_rope_layers": [1, 0, 1]}),
    "smollm3, windows": ("SmolLM3", {**COMMON, "no_rope_layer_interval": 2, "use_sliding_window": True,
                                     "sliding_window": 5}),
    "gemma": ("Gemma", {**COMMON, "head_dim": 16, "num_key_value_heads": 1}),
    "gemma2": ("Gemma2", {**COMMON, "head_dim": 16, "query_pre_attn_scalar": 24, "sliding_window": 6,
                          "attn_logit_softcapping": 2.0, "final_logit_softcapping": 3.0}),
    "gemma3": ("Gemma3Text", {**COMMON, "head_dim": 16, "query_pre_attn_scalar": 24, "sliding_window": 6,
                              "layer_types": MIXED, "final_logit_softcapping": 4.0}),
    "gemma3, own ropes": ("Gemma3Text", {
        **COMMON, "head_dim": 8, "sliding_window": 11, "layer_types": MIXED, "rope_parameters": {
            SLIDING: {"rope_type": "default", "rope_theta": 30.0},
            FULL: {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e5}}}),
    "olmo2": ("Olmo2", COMMON),
    "olmo3": ("Olmo3", {**COMMON, "sliding_window": 5, "layer_types": MIXED, "rope_parameters": {
        SLIDING: {"rope_type": "default", "rope_theta": 50.0}, FULL: YARN}}),
    "phi3": ("Phi3", {**COMMON, "sliding_window": 10}),
    "phi3, longrope on a part": ("Phi3", {**COMMON, "original_max_position_embeddings": 96, "rope_parameters": {
        **LONG, "rope_theta": 1e4, "partial_rotary_factor": 0.75, "original_max_position_embeddings": 96}}),
    "gpt2": ("GPT2", GPT2),
    "gpt2, untied, wide": ("GPT2", {**GPT2, "n_inner": 40, "tie_word_embeddings": False, "scale_attn_weights": False,
                                    "activation_function": "relu"}),
    "gpt_neox": ("GPTNeoX", {**NEOX, "rope_parameters": {"rope_type": "default", "rope_theta": 1e4,
                                                         "partial_rotary_factor": 0.5}}),
    "gpt_neox, in sequence, no bias": ("GPTNeoX", {**NEOX, "use_parallel_residual": False, "attention_bias": False,
                                                   "tie_word_embeddings": True}),
}  # fmt: skip
MODELS = {"GPT2": "GPT2LMHeadModel", "Gemma3Text": "Gemma3ForCausalLM"}


def write_random(folder: Path, case: str, shard: str = "5GB", **changes: Any) -> Any:
    """Write the checkpoint of a case, with `changes` of its configuration, in shards of at most that size; returns the
    PyTorch model.
    """
    import torch
    import transformers

    family, settings = CASES[case]
    config = getattr(transformers, f"{family}Config")(**{**settings, **changes})
    config._attn_implementation = "eager"
    torch.manual_seed(0)
    model = getattr(transformers, MODELS.get(family, f"{family}ForCausalLM"))(config).eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            plain = p.dim() == 1
            centre = 1.0 if plain and name.endswith("weight") and not family.startswith("Gemma") else 0.0
            embeds = "embed" in name or "wte" in name or "wpe" in name
            scale = 0.4 if plain else (2.0 if config.tie_word_embeddings else 3.0) if embeds else 1.6
            fan = 1 if plain else p.shape[0] if family == "GPT2" and "wte" not in name else p.shape[1]
            p.normal_(centre, scale / fan**0.5)
    transformers.utils.logging.disable_progress_bar()
    model.save_pretrained(folder, max_shard_size=shard)
    return model


def log_probs(model: Any, rows: list[tuple[int, ...]]) -> list[np.ndarray]:
    """log p of every next token after every token of each row, [len, V] each: one full pass, no cache."""
    import torch

    with torch.no_grad():
        return [model(torch.tensor([r]), use_cache=False).logits[0].log_softmax(-1).numpy() for r in rows]


@cache
def case_of(name: str) -> tuple[DecoderConfig, Params, np.ndarray]:
    """Config and parameters as we read them, and the reference's log p after every token of TEXT, [48, V]."""
    with TemporaryDirectory() as folder:
        model = write_random(Path(folder), name)
        return *read(Path(folder), "float32"), log_probs(model, [TEXT])[0]


def direct(config: DecoderConfig, params: Params, split: int) -> np.ndarray:
    """log p after every token of TEXT, [48, V], by two forward passes: the first `split` tokens become a trunk."""
    empty = programs.allocate(config=config, slots=1, depth=64, dtype="float32").cache
    zero = np.zeros(1, np.int32)
    trunk, out = Trunk(), []
    for part, base in ((TEXT[:split], 0), (TEXT[split:], split)):
        feed = forward.Feed(zero, zero, zero + len(part), zero + base, np.array([part], np.int32))
        h, own = forward.hidden(params, config, trunk, empty, feed, True)  # type: ignore[arg-type]
        out.append(np.asarray(jax.nn.log_softmax(forward.logits(params, config, h[0]))))
        trunk = programs.as_trunk(own)
    return np.concatenate(out)
