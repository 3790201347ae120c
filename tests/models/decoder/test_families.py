"""Reading config.json: every field that changes the computation is honoured or refused, never passed over."""

from __future__ import annotations

import copy
import re
import warnings
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from steersman.models.decoder.config import DecoderConfig
from steersman.models.decoder.families import ARCHITECTURES, architecture_of
from steersman.models.errors import ModelError

SIZES: dict[str, Any] = {
    "vocab_size": 61, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 6, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 128,
}  # fmt: skip
FULL, SLIDING = "full_attention", "sliding_attention"
LONG = {"type": "longrope", "short_factor": [1.0, 1.2, 1.5, 2.0], "long_factor": [1.0, 2.0, 3.0, 4.0]}
OWN: dict[str, dict[str, Any]] = {
    "Qwen2": {"use_sliding_window": True, "sliding_window": 9, "max_window_layers": 2},
    "Qwen3": {"use_sliding_window": True, "sliding_window": 9, "max_window_layers": 2},
    "SmolLM3": {"use_sliding_window": True, "sliding_window": 9},
    "Phi3": {"rope_scaling": LONG, "original_max_position_embeddings": 64, "sliding_window": 9},
}
"""What switches on the fields that do nothing otherwise."""

CHANGES: dict[str, list[Any]] = {
    "vocab_size": [67], "hidden_size": [64], "intermediate_size": [40], "num_hidden_layers": [4],
    "num_attention_heads": [8], "num_key_value_heads": [1], "head_dim": [16], "max_position_embeddings": [64],
    "hidden_act": ["relu", "mish"], "hidden_activation": ["relu"], "rms_norm_eps": [1e-3], "layer_norm_eps": [1e-3],
    "tie_word_embeddings": [True, False], "attention_bias": [True, False], "mlp_bias": [True],
    "rope_parameters": [{"rope_theta": 50.0}, {FULL: {"rope_theta": 50.0}}], "rope_theta": [50.0],
    "rope_scaling": [{"rope_type": "linear", "factor": 2.0}], "rope_local_base_freq": [50.0],
    "partial_rotary_factor": [0.5], "rotary_pct": [0.5], "rotary_emb_base": [50.0],
    "original_max_position_embeddings": [96], "sliding_window": [5], "use_sliding_window": [False],
    "max_window_layers": [4], "layer_types": [[FULL] * 5 + [SLIDING]], "sliding_window_pattern": [2],
    "no_rope_layers": [[1, 1, 1, 1, 1, 0]], "no_rope_layer_interval": [2], "query_pre_attn_scalar": [24],
    "attn_logit_softcapping": [5.0], "final_logit_softcapping": [5.0], "use_bidirectional_attention": [True],
    "use_parallel_residual": [False], "n_embd": [64], "n_layer": [4], "n_head": [8], "n_inner": [40],
    "n_positions": [64], "activation_function": ["relu"], "layer_norm_epsilon": [1e-3], "scale_attn_weights": [False],
    "scale_attn_by_inverse_layer_idx": [True], "add_cross_attention": [True], "is_causal": [False],
    "is_encoder_decoder": [True], "per_layer_config": [{"0": {"hidden_size": 64}}], "pruned_heads": [{"0": [1]}],
}  # fmt: skip
"""A field -> values one of which at least must change the model, or be refused."""

NEUTRAL = {
    # there is no dropout outside training
    "attention_dropout", "resid_pdrop", "embd_pdrop", "attn_pdrop", "hidden_dropout", "classifier_dropout",
    "initializer_range", "use_cache", "pad_token_id", "bos_token_id", "eos_token_id", "pretraining_tp", "is_decoder",
    "reorder_and_upcast_attn",  # to float32
    # heads of other tasks
    "summary_type", "summary_use_proj", "summary_activation", "summary_proj_to_labels", "summary_first_dropout",
    "summary_last_dropout", "num_labels", "problem_type",
    # Gemma 3 with images, which is another architecture
    "text_config", "vision_config", "image_token_id", "mm_tokens_per_image", "boi_token_index", "eoi_token_index",
    "image_token_index", "get_text_config",
}  # fmt: skip
"""Fields that change no log-probability."""

CHECKED = (5, 23)
"""The last release of transformers whose fields were looked at. Newer ones may have more, of which we are warned."""

UNREAD = {
    "gpt_neox": {"partial_rotary_factor", "head_dim"},  # it calls the one rotary_pct, and does not read the other
}


def base(name: str) -> dict[str, Any]:
    raw: dict[str, Any] = {"architectures": [name], **SIZES}
    if name.startswith("GPT2"):
        raw = {"architectures": [name], "vocab_size": 61, "n_embd": 32, "n_layer": 6, "n_head": 4, "n_positions": 128}
    return raw | OWN.get(name.removesuffix("ForCausalLM"), {})


def config_of(raw: dict[str, Any]) -> DecoderConfig:
    return architecture_of(raw).config(raw)


def fields_of(family: str) -> set[str]:
    """The fields of config.json that transformers reads for a family, from its source text."""
    spec = find_spec("transformers")
    assert spec is not None and spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0]) / "models" / family
    model = (folder / f"modeling_{family}.py").read_text(encoding="utf-8")
    config = (folder / f"configuration_{family}.py").read_text(encoding="utf-8")
    found = set(re.findall(r"\bconfig\.([a-z]\w+)", model)) | set(re.findall(r'getattr\(config, "(\w+)"', model))
    return found | set(re.findall(r"^    ([a-z]\w+): [^=\n]+ = ", config, re.M)) | set(
        re.findall(r'kwargs\.(?:get|pop)\("(\w+)"', config)
    )


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_field_counts(name: str) -> None:
    """Law: each field that transformers reads for the family changes our configuration or is refused, or is known to
    change no log-probability.
    """
    family = ARCHITECTURES[name].model_type.removesuffix("_text")
    fields = fields_of(family) - NEUTRAL - UNREAD.get(family, set())
    unknown = fields - set(CHANGES)
    if unknown and tuple(map(int, version("transformers").split(".")[:2])) > CHECKED:
        warnings.warn(f"transformers reads {sorted(unknown)} of {name}: look at them", stacklevel=1)
        fields -= unknown
    assert len(fields) > 9 and not fields - set(CHANGES), "a field that transformers reads and this test does not know"
    plain = config_of(base(name))
    for field in sorted(fields | {"is_causal", "is_encoder_decoder", "per_layer_config", "pruned_heads"}):
        assert any(differs(base(name) | {field: value}, plain) for value in CHANGES[field]), field


def differs(raw: dict[str, Any], plain: DecoderConfig) -> bool:
    try:
        return config_of(raw) != plain
    except ModelError:
        return True


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("Llama", {"architectures": ["MixtralForCausalLM"], "num_local_experts": 8}, "num_local_experts: mixtures of"),
    ("Llama", {"model_type": "mistral"}, "model_type 'mistral' does not belong to LlamaForCausalLM, which is 'llama'"),
    ("Llama", {"quantization_config": {"quant_method": "gptq"}}, r"quantization_config \(gptq\) .* dtype='int8'"),
    ("Llama", {"is_causal": False}, "is_causal False is not supported; supported: None, True"),
    ("Llama", {"layer_types": [FULL] * 5 + [SLIDING]}, "layer_types other than full_attention"),
    ("Llama", {"partial_rotary_factor": 0.5}, "partial_rotary_factor 0.5 .* whole heads"),
    ("Llama", {"rope_scaling": {"rope_type": "default", "mrope_section": [1]}}, "rope key 'mrope_section' is not supp"),
    ("Llama", {"rope_scaling": {"type": "longrope", "factor": 2.0}}, "'longrope' needs short_factor, long_factor"),
    ("Llama", {"rope_scaling": {"type": "linear", "factor": -2}}, "factor must be a positive number, found -2"),
    ("Llama", {"rope_theta": "10k"}, "rope_theta must be a positive number, found '10k'"),
    ("Llama", {"rope_scaling": {"type": "linear", "factor": 2.0}, "rope_parameters": {"type": "linear", "factor": 4.0}},
     "rope_parameters and rope_scaling disagree on factor"),
    ("Mistral", {"layer_types": [FULL] * 6}, "layer_types other than sliding_attention"),
    ("Mistral", {"sliding_window": 0}, "sliding_window must be a positive integer, found 0"),
    ("Qwen2", {"use_sliding_window": False, "layer_types": [SLIDING] * 6}, "use_sliding_window does not"),
    ("Qwen3", {"use_sliding_window": True, "layer_types": [FULL] * 5 + ["chunked_attention"]}, "'chunked_attention'"),
    ("Qwen3", {"use_sliding_window": True, "layer_types": [FULL] * 5}, "layer_types names 5 layers"),
    ("SmolLM3", {"no_rope_layers": [1, 0]}, "no_rope_layers names 2 layers"),
    ("Gemma", {"hidden_activation": "relu"}, "hidden_act and hidden_activation disagree"),
    ("Gemma2", {"use_bidirectional_attention": True}, "use_bidirectional_attention True"),
    ("Gemma3", {"rope_parameters": {"rope_theta": 1e4}}, "an object each for full_attention and sliding_attention"),
    ("Gemma3", {"attn_logit_softcapping": 50.0}, "attn_logit_softcapping 50.0"),
    ("Phi3", {"rope_scaling": {"type": "llama3"}}, "rope_type 'llama3' is not supported in Phi-3"),
    ("Phi3", {"rope_scaling": {**LONG, "short_factor": [1.0]}}, "short_factor has 1 numbers; these heads need 4"),
    ("GPTNeoX", {"num_attention_heads": 5}, "cannot be shared evenly by 5"),
]  # fmt: skip


@pytest.mark.parametrize(("family", "change", "message"), REFUSED, ids=[f"{f}: {m}" for f, _, m in REFUSED])
def test_refused(family: str, change: dict[str, Any], message: str) -> None:
    """Law: what is not supported is refused in one line that names the field."""
    with pytest.raises(ModelError, match=message) as error:
        config_of(base(f"{family}ForCausalLM") | change)
    assert "\n" not in str(error.value) and len(str(error.value)) < 400


SPELLINGS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("Gemma3", {"rope_theta": 7e5, "rope_local_base_freq": 5e3, "rope_scaling": {"rope_type": "linear", "factor": 8.0}},
     {"rope_parameters": {FULL: {"rope_type": "linear", "factor": 8.0, "rope_theta": 7e5},
                          SLIDING: {"rope_type": "default", "rope_theta": 5e3}}}),
    ("Gemma3", {}, {"rope_parameters": {FULL: {"rope_theta": 1e6}, SLIDING: {"rope_theta": 1e4}}}),
    ("Gemma3", {"sliding_window_pattern": 3}, {"layer_types": [SLIDING, SLIDING, FULL] * 2}),
    ("Olmo3", {"rope_theta": 5e5, "rope_scaling": {"type": "yarn", "factor": 4.0}},
     {"rope_parameters": {FULL: {"type": "yarn", "factor": 4.0, "rope_theta": 5e5}, SLIDING: {"rope_theta": 5e5}}}),
    ("GPTNeoX", {"rotary_pct": 0.5, "rotary_emb_base": 500},
     {"rope_parameters": {"partial_rotary_factor": 0.5, "rope_theta": 500.0}}),
    ("Phi3", {"rope_scaling": {**LONG, "type": "su"}}, {}),
    ("Llama", {"rope_scaling": {"type": "dynamic", "factor": 4.0}}, {}),
    ("Qwen2", {"use_sliding_window": False, "layer_types": [FULL] * 6}, {"use_sliding_window": False}),
    ("Mistral", {"sliding_window": None, "layer_types": [FULL] * 6}, {"sliding_window": None}),
    ("Gemma", {"hidden_act": "gelu"}, {"hidden_act": "gelu_pytorch_tanh"}),
]  # fmt: skip


@pytest.mark.parametrize(("family", "old", "new"), SPELLINGS, ids=[f"{f}: {list(o)}" for f, o, _ in SPELLINGS])
def test_two_spellings(family: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Law: what Hugging Face spells in two ways is read as one."""
    raw = base(f"{family}ForCausalLM")
    assert config_of(raw | old) == config_of(raw | new)


LEAST = {
    "vocab_size": 61, "hidden_size": 128, "intermediate_size": 48, "num_hidden_layers": 6, "num_attention_heads": 64,
}  # fmt: skip
BARE: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in ARCHITECTURES),
    ("LlamaForCausalLM", {"rope_theta": 5e5, "rope_scaling": {
        "type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}}),
    ("Qwen2ForCausalLM", {"rope_theta": 1e6, "use_sliding_window": True, "max_window_layers": 3}),
    ("Qwen3ForCausalLM", {"rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}}),
    ("SmolLM3ForCausalLM", {"no_rope_layer_interval": 2, "use_sliding_window": True, "sliding_window": 7}),
    ("Gemma3ForCausalLM", {"rope_scaling": {"rope_type": "linear", "factor": 8.0}, "sliding_window_pattern": 2}),
    ("Olmo3ForCausalLM", {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}),
    ("Phi3ForCausalLM", {"num_attention_heads": 16, "rope_scaling": LONG, "max_position_embeddings": 16384}),
    ("GPTNeoXForCausalLM", {"rotary_pct": 0.5, "rotary_emb_base": 500}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given"), BARE, ids=[f"{n}: {list(g)}" for n, g in BARE])
def test_defaults(name: str, given: dict[str, Any]) -> None:
    """Law: fields that are absent, or in the older spelling, mean what transformers takes them to mean: its
    configuration, written out in full, is read as the bare one is.
    """
    from transformers import AutoConfig

    sizes: dict[str, Any] = {"vocab_size": 61} if name.startswith("GPT2") else LEAST
    model_type = ARCHITECTURES[name].model_type
    full = AutoConfig.for_model(model_type, **copy.deepcopy(sizes | given)).to_dict()
    assert config_of({**full, "architectures": [name]}) == config_of(sizes | given | {"architectures": [name]})
