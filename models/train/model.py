"""The network: a small Llama, built, loaded and saved as a Hugging Face folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

SIZE_LIMIT = 16_000_000
"""Bytes that the whole model folder may take: it ships inside the package."""


@dataclass(frozen=True)
class Shape:
    """Sizes of the network; the defaults are those of the embedded model (7.3M parameters)."""

    vocabulary: int = 4096
    hidden: int = 256
    layers: int = 8
    heads: int = 8
    key_value_heads: int = 4
    inner: int = 768
    """Width of the gated feed-forward layer."""
    positions: int = 512
    """Context length in tokens."""


def build_model(shape: Shape, end: int) -> Any:
    """A fresh Llama with tied embeddings; ``end`` is the id of the end-of-text token."""
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        max_position_embeddings=shape.positions,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        tie_word_embeddings=True,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
    )
    return LlamaForCausalLM(config)


def load_model(folder: Path) -> Any:
    """A saved model, in float32 so that it can be trained on or measured."""
    return LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)


def parameter_count(model: Any) -> int:
    """Number of distinct parameters (tied embeddings count once)."""
    return sum(parameter.numel() for parameter in model.parameters())


def save_model(model: Any, state: dict[str, torch.Tensor], folder: Path) -> None:
    """Write config, generation config and bf16 weights; ``state`` replaces the live weights.

    Sampling defaults to temperature 1 with nothing cut off: the model's own distribution, which
    is what a probabilistic program means by it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    copy: Any = LlamaForCausalLM(model.config)
    copy.load_state_dict(state)
    end = model.config.eos_token_id
    settings: Any = GenerationConfig  # untyped in transformers
    copy.generation_config = settings(
        bos_token_id=end, eos_token_id=end, pad_token_id=end, do_sample=True, temperature=1.0, top_k=0
    )
    copy.to(torch.bfloat16).save_pretrained(folder)


def folder_size(folder: Path) -> int:
    """Bytes of all files in a model folder together."""
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
